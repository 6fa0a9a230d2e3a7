import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import type { MediaType } from '../engine/media.js';
import { PUBLIC_HUB } from '../models/hub-request.js';
import { MOST_SECONDS } from './most-seconds.js';
import { areOrigins, originsOf } from './origins.js';
import { areHosts, areNetworks, egressHosts, listOf } from './sandbox-egress.js';
import { DEFAULT_PROFILE_NAME, gpusSchema, profilesSchema } from './sandbox-profiles.js';

const MEBIBYTE = 1024 * 1024;

const port = z.coerce.number().int().min(0).max(65_535);
const positive = z.coerce.number().int().positive();
const seconds = positive.max(MOST_SECONDS);
const SECONDS = `seconds, at most ${MOST_SECONDS}`;
const switchSchema = z.enum(['on', 'off']);

/** Every variable Gantry reads. `.env.example` documents each; a test holds the two together. */
export const environmentSchema = z.object({
  PORT: port.default(8080).describe('a port number from 0 to 65535; 0 picks a free one'),
  HOST: z.string().min(1).default('127.0.0.1').describe('an address to listen on'),
  GANTRY_HOME: z.string().min(1).optional().describe('a directory for the database, models and keys'),
  GANTRY_API_KEY: z
    .string()
    // What a header can carry, and what is taken from one.
    .regex(/^[\x21-\x7e]{16,1024}$/)
    .optional()
    .describe('an API key of 16 to 1024 characters of ASCII, none of them a space'),
  GANTRY_ALLOWED_ORIGINS: z
    .string()
    .refine(areOrigins)
    .default('')
    .describe('browser origins, separated by commas, e.g. https://chat.example.org'),
  MODEL: z
    .string()
    .refine((text) => listOf(text).length > 0)
    .default('demo')
    .describe(
      'demo, a path to a GGUF file, hf:owner/repository:quantization, or openai:http://host:port/v1#model; several, separated by commas, in order of preference',
    ),
  GANTRY_UPSTREAM_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .describe('a key of printable ASCII characters without spaces, for the server of openai:'),
  HF_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default(PUBLIC_HUB)
    .describe('an http(s):// URL of a hub'),
  HF_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .describe('a token of the hub, without spaces'),
  GANTRY_UPSTREAM_INPUT: z
    .enum(['auto', 'text', 'image', 'audio', 'image,audio'])
    .default('auto')
    .describe('auto, text, image, audio or image,audio'),
  GANTRY_CONTEXT_SIZE: z
    .union([z.literal('auto'), positive])
    .default('auto')
    .describe('auto or a number of tokens'),
  GANTRY_THREADS: z
    .union([z.literal('auto'), positive])
    .default('auto')
    .describe('auto or a number of threads'),
  GANTRY_GPU: z
    .enum(['auto', 'off', 'cuda', 'vulkan', 'metal'])
    .default('auto')
    .describe('auto, off, cuda, vulkan or metal'),
  GANTRY_PARALLEL: positive.max(64).default(4).describe('sessions generating at once, 1 to 64'),
  GANTRY_KV_DISK_MB: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_048_576)
    .default(1024)
    .describe('a number of MiB, 0 for none'),
  GANTRY_MODEL_MEMORY_MB: positive
    .max(16_777_216)
    .optional()
    .describe('a number of MiB; absent: what is free when a model is loaded'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//)
    .optional()
    .describe('a postgres:// URL; absent: an embedded PostgreSQL'),
  DOCKER_HOST: z
    .string()
    .regex(/^(unix|tcp|http|https|ssh):\/\//)
    .optional()
    .describe('unix:///path, tcp://host:port, https://host:port or ssh://user@host'),
  DOCKER_CERT_PATH: z.string().min(1).optional().describe('a folder with ca.pem, cert.pem and key.pem'),
  DOCKER_TLS_VERIFY: z.string().optional().describe('any value for on, empty for off'),
  GANTRY_SANDBOX: z
    .enum(['auto', 'docker', 'bubblewrap', 'none'])
    .default('auto')
    .describe('auto, docker, bubblewrap or none'),
  GANTRY_SANDBOX_IMAGE: z.string().min(1).optional().describe('an image name; absent: the one set-up builds'),
  GANTRY_SANDBOX_RUNTIME: z.string().min(1).optional().describe('a runtime the engine knows, e.g. runsc'),
  GANTRY_SANDBOX_GPUS: gpusSchema.optional().describe('all, a number, or ids separated by commas'),
  GANTRY_SANDBOX_MEMORY_MB: positive.min(64).default(512).describe('mebibytes, at least 64'),
  GANTRY_SANDBOX_WORKSPACE_MB: positive.default(64).describe('mebibytes'),
  GANTRY_SANDBOX_PROCESSES: positive.min(16).default(64).describe('processes and threads, at least 16'),
  GANTRY_SANDBOX_CPUS: z.coerce.number().positive().default(1).describe('processor cores, e.g. 0.5'),
  GANTRY_SANDBOX_POOL: z.coerce.number().int().min(0).max(64).default(1).describe('warm sandboxes, 0 to 64'),
  GANTRY_SANDBOX_POOL_AGE_SEC: seconds.default(3600).describe(SECONDS),
  GANTRY_SANDBOX_MAX: positive.max(1024).default(32).describe('sandboxes at once, 1 to 1024'),
  GANTRY_SANDBOX_TOTAL_MEMORY_MB: positive.default(16_384).describe('mebibytes of all sandboxes together'),
  GANTRY_SANDBOX_QUEUE: z.coerce.number().int().min(0).max(1024).default(32).describe('calls, 0 to 1024'),
  GANTRY_SANDBOX_QUEUE_SEC: seconds.default(60).describe(SECONDS),
  GANTRY_SANDBOX_PROFILES: profilesSchema
    .optional()
    .describe('JSON of names and what differs, e.g. {"large":{"memory_mb":2048,"cpus":2}}'),
  GANTRY_SANDBOX_IDLE_SEC: seconds.default(1800).describe(SECONDS),
  GANTRY_SANDBOX_SURVIVE_RESTART: switchSchema.default('off').describe('on or off'),
  GANTRY_SANDBOX_EGRESS: z
    .string()
    .refine(areHosts)
    .default('off')
    .describe('off, or hosts separated by commas: pypi.org,*.example.org,example.net:8443 or *'),
  GANTRY_SANDBOX_PRIVATE_NETWORKS: z
    .string()
    .refine(areNetworks)
    .optional()
    .describe('networks separated by commas, e.g. 10.1.0.0/16,192.168.1.5'),
  GANTRY_SANDBOX_PACKAGE_INDEX: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('an http(s):// URL'),
  GANTRY_AGENT_PERMISSION: z.enum(['auto', 'ask', 'deny']).default('auto').describe('auto, ask or deny'),
  GANTRY_APPROVAL_TIMEOUT_SEC: z
    .union([z.literal('never'), seconds])
    .default(300)
    .describe(`${SECONDS}, or never`),
  GANTRY_MAX_TOOL_ROUNDS: z.coerce.number().int().min(0).default(25).describe('rounds, 0 disables tools'),
  GANTRY_TOOL_TIMEOUT_SEC: seconds.default(300).describe(SECONDS),
  GANTRY_MAX_UPLOAD_MB: positive.default(64).describe('mebibytes'),
  GANTRY_STORAGE_LIMIT_MB: positive.default(10_240).describe('mebibytes of file content kept in all'),
  GANTRY_SESSION_STORAGE_MB: positive.default(1024).describe('mebibytes of files kept of one session'),
  GANTRY_RUN_CONCURRENCY: positive.max(256).default(8).describe('runs worked at once, 1 to 256'),
  GANTRY_WORKER: switchSchema.default('on').describe('on or off: whether the server works runs itself'),
  GANTRY_LOG: z.enum(['json', 'people']).default('json').describe('json, or people for lines to read'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('trace, debug, info, warn, error or silent'),
});

/** Which device and which driver libraries the engine's own process may use; handed to it as they are. */
export const ACCELERATOR_VARIABLES = ['CUDA_VISIBLE_DEVICES', 'LD_LIBRARY_PATH', 'VK_DRIVER_FILES'] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that cannot be used; the message names it and says what was expected. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** Sizes in bytes, durations in milliseconds. */
export type Config = ReturnType<typeof toConfig>;

/** Pure: the same environment gives the same frozen configuration. Throws ConfigError. */
export function loadConfig(environment: Environment): Config {
  const given: Environment = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map((issue) => describeProblem(issue, given)));
  return deepFreeze(toConfig(parsed.data, given));
}

function describeProblem(issue: z.core.$ZodIssue, given: Environment): string {
  const [variable, ...inside] = issue.path;
  const name = String(variable);
  const expected =
    environmentSchema.shape[name as keyof typeof environmentSchema.shape].description ?? 'another value';
  if (name === 'GANTRY_SANDBOX_PROFILES') {
    const where = inside.length === 0 ? '' : `${inside.map(String).join('.')}: `;
    const why = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message;
    return `${name}: expected ${expected}; ${where}${why ?? issue.message}.`;
  }
  const shown = /KEY|URL|TOKEN/.test(name) ? 'the value given' : JSON.stringify(given[name]);
  return `${name}: expected ${expected}; ${shown} is not.`;
}

const UPSTREAM_INPUT: Readonly<Record<string, readonly MediaType[] | undefined>> = {
  text: [],
  image: ['image'],
  audio: ['audio'],
  'image,audio': ['image', 'audio'],
};

function toConfig(env: z.infer<typeof environmentSchema>, environment: Environment) {
  const home = env.GANTRY_HOME ?? join(homedir(), '.gantry');
  const [model, ...fallbackModels] = listOf(env.MODEL);
  return {
    http: {
      port: env.PORT,
      host: env.HOST,
      allowedOrigins: originsOf(env.GANTRY_ALLOWED_ORIGINS),
    },
    home: isAbsolute(home) ? home : resolve(home),
    apiKey: env.GANTRY_API_KEY,
    engine: {
      model: model ?? env.MODEL,
      /** Asked in this order when `model` does not answer. */
      fallbackModels,
      upstreamKey: env.GANTRY_UPSTREAM_API_KEY,
      /** What models on other servers take beside text; undefined: as those tell. */
      upstreamInput: UPSTREAM_INPUT[env.GANTRY_UPSTREAM_INPUT],
      contextSize: env.GANTRY_CONTEXT_SIZE,
      threads: env.GANTRY_THREADS,
      gpu: env.GANTRY_GPU,
      sequences: env.GANTRY_PARALLEL,
      stateCacheBytes: env.GANTRY_KV_DISK_MB * MEBIBYTE,
      /** Of all models in memory together; undefined: what is free. */
      modelMemoryBytes:
        env.GANTRY_MODEL_MEMORY_MB === undefined ? undefined : env.GANTRY_MODEL_MEMORY_MB * MEBIBYTE,
    },
    hub: { endpoint: env.HF_ENDPOINT, ...(env.HF_TOKEN === undefined ? {} : { token: env.HF_TOKEN }) },
    acceleratorEnvironment: pick(environment, ACCELERATOR_VARIABLES),
    databaseUrl: env.DATABASE_URL,
    sandbox: toSandboxConfig(env),
    runs: {
      agentPermission: env.GANTRY_AGENT_PERMISSION,
      approvalTimeoutMs:
        env.GANTRY_APPROVAL_TIMEOUT_SEC === 'never' ? null : env.GANTRY_APPROVAL_TIMEOUT_SEC * 1000,
      maxToolRounds: env.GANTRY_MAX_TOOL_ROUNDS,
      toolTimeoutMs: env.GANTRY_TOOL_TIMEOUT_SEC * 1000,
      concurrency: env.GANTRY_RUN_CONCURRENCY,
      worker: env.GANTRY_WORKER === 'on',
    },
    files: {
      maxUploadBytes: env.GANTRY_MAX_UPLOAD_MB * MEBIBYTE,
      storageLimitBytes: env.GANTRY_STORAGE_LIMIT_MB * MEBIBYTE,
      sessionStorageBytes: env.GANTRY_SESSION_STORAGE_MB * MEBIBYTE,
    },
    logLevel: env.LOG_LEVEL,
    logForPeople: env.GANTRY_LOG === 'people',
  };
}

function toSandboxConfig(env: z.infer<typeof environmentSchema>) {
  return {
    provider: env.GANTRY_SANDBOX,
    dockerHost: env.DOCKER_HOST,
    dockerCertPath: env.DOCKER_CERT_PATH,
    dockerTlsVerify: env.DOCKER_TLS_VERIFY !== undefined,
    image: env.GANTRY_SANDBOX_IMAGE,
    runtime: env.GANTRY_SANDBOX_RUNTIME,
    gpus: env.GANTRY_SANDBOX_GPUS,
    memoryBytes: env.GANTRY_SANDBOX_MEMORY_MB * MEBIBYTE,
    workspaceBytes: env.GANTRY_SANDBOX_WORKSPACE_MB * MEBIBYTE,
    processes: env.GANTRY_SANDBOX_PROCESSES,
    cpus: env.GANTRY_SANDBOX_CPUS,
    poolSize: env.GANTRY_SANDBOX_POOL,
    limits: {
      maximum: env.GANTRY_SANDBOX_MAX,
      memoryBytes: env.GANTRY_SANDBOX_TOTAL_MEMORY_MB * MEBIBYTE,
      queueLength: env.GANTRY_SANDBOX_QUEUE,
      queueWaitMs: env.GANTRY_SANDBOX_QUEUE_SEC * 1000,
      maxAgeMs: env.GANTRY_SANDBOX_POOL_AGE_SEC * 1000,
    },
    profiles: env.GANTRY_SANDBOX_PROFILES ?? {},
    /** What a session may name. */
    profileNames: [DEFAULT_PROFILE_NAME, ...Object.keys(env.GANTRY_SANDBOX_PROFILES ?? {})],
    idleMs: env.GANTRY_SANDBOX_IDLE_SEC * 1000,
    surviveRestart: env.GANTRY_SANDBOX_SURVIVE_RESTART === 'on',
    egress: {
      hosts: egressHosts(env.GANTRY_SANDBOX_EGRESS),
      privateNetworks: listOf(env.GANTRY_SANDBOX_PRIVATE_NETWORKS ?? ''),
      packageIndex: env.GANTRY_SANDBOX_PACKAGE_INDEX,
    },
  };
}

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}

/** Nest injection token of the `Config`. */
export const CONFIG = Symbol('Config');
