import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  ACCELERATOR_VARIABLES,
  ConfigError,
  type Environment,
  environmentSchema,
  loadConfig,
} from './config.js';
import { PROJECT_ROOT } from './project-root.js';

function problemsOf(environment: Environment): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

describe('loadConfig', () => {
  it('is pure: equal environments give equal configurations and stay as they were', () => {
    const environment = { PORT: '9000', GANTRY_ALLOWED_ORIGINS: ' https://a.example , ,https://b.example' };
    const before = { ...environment };
    expect(loadConfig(environment)).toEqual(loadConfig({ ...environment }));
    expect(environment).toEqual(before);
  });

  it('reads nothing but what it is given', () => {
    const name = 'GANTRY_MAX_TOOL_ROUNDS';
    process.env[name] = '7';
    try {
      expect(loadConfig({}).runs.maxToolRounds).toBe(25);
    } finally {
      delete process.env[name];
    }
  });

  it('gives a configuration that nobody can change', () => {
    const config = loadConfig({ GANTRY_ALLOWED_ORIGINS: 'https://a.example', CUDA_VISIBLE_DEVICES: '0' });
    expect(isDeeplyFrozen(config)).toBe(true);
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError);
  });

  it('has a default for everything and listens on loopback only', () => {
    const config = loadConfig({});
    expect(config.http).toEqual({ host: '127.0.0.1', port: 8080, allowedOrigins: [] });
    expect(config.home).toBe(join(homedir(), '.gantry'));
    expect(config.apiKey).toBeUndefined();
    expect(config.databaseUrl).toBeUndefined();
  });

  it('takes empty values for absent ones', () => {
    const empty = Object.fromEntries(Object.keys(environmentSchema.shape).map((name) => [name, '']));
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });

  it('turns seconds and mebibytes into milliseconds and bytes, and a relative home into an absolute one', () => {
    const config = loadConfig({
      GANTRY_TOOL_TIMEOUT_SEC: '2',
      GANTRY_MAX_UPLOAD_MB: '3',
      GANTRY_APPROVAL_TIMEOUT_SEC: 'never',
      GANTRY_HOME: 'here',
    });
    expect(config.runs.toolTimeoutMs).toBe(2000);
    expect(config.files.maxUploadBytes).toBe(3 * 1024 * 1024);
    expect(config.runs.approvalTimeoutMs).toBeNull();
    expect(isAbsolute(config.home)).toBe(true);
  });

  it('reads one model or several, in order of preference', () => {
    const modelsOf = (text: string) => {
      const { model, fallbackModels } = loadConfig({ MODEL: text }).engine;
      return [model, ...fallbackModels];
    };
    expect(modelsOf('demo')).toEqual(['demo']);
    expect(modelsOf('openai:http://a/v1#m, demo ,')).toEqual(['openai:http://a/v1#m', 'demo']);
  });

  it('hands only the named accelerator variables to the engine', () => {
    const config = loadConfig({ LD_LIBRARY_PATH: '/opt/driver', LD_PRELOAD: '/tmp/evil.so', PATH: '/bin' });
    expect(config.acceleratorEnvironment).toEqual({ LD_LIBRARY_PATH: '/opt/driver' });
  });
});

describe('sandbox profiles', () => {
  const profilesOf = (text: string) => loadConfig({ GANTRY_SANDBOX_PROFILES: text }).sandbox;

  it('are read with their sizes and graphics processors, and known by name', () => {
    const { profiles, profileNames } = profilesOf(
      '{"large":{"memory_mb":2048,"gpus":"all"},"r":{"image":"r@sha256:1"}}',
    );
    expect(profiles['large']).toEqual({ memory_mb: 2048, gpus: 'all', pool: 0 });
    expect(profileNames).toEqual(['python', 'large', 'r']);
    expect(loadConfig({}).sandbox.profileNames).toEqual(['python']);
  });

  it.each([
    ['{', 'it is not JSON'],
    ['[]', 'expected record'],
    ['{"python":{}}', 'python is the profile of the GANTRY_SANDBOX_ variables'],
    ['{"Large One":{}}', 'a name has up to 32'],
    ['{"large":{"memory":1}}', 'large: Unrecognized key: "memory"'],
    ['{"large":{"memory_mb":63}}', 'large.memory_mb: Too small'],
    ['{"large":{"timeout_sec":2147484}}', 'large.timeout_sec: Too big'],
    ['{"large":{"gpus":"some"}}', 'large.gpus: Invalid string'],
  ])('%s is refused: %s', (text, why) => {
    expect(problemsOf({ GANTRY_SANDBOX_PROFILES: text })[0]).toContain(why);
  });

  it('take graphics processors as all, a number or ids', () => {
    const gpusOf = (text: string) => loadConfig({ GANTRY_SANDBOX_GPUS: text }).sandbox.gpus;
    expect(['all', '2', 'GPU-1a', '0,1'].map(gpusOf)).toEqual(['all', 2, ['GPU-1a'], ['0', '1']]);
  });
});

/** A default as a person writes it; nothing for none. */
function written(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** For each variable that can be wrong: a value that is. */
const WRONG: Partial<Record<keyof typeof environmentSchema.shape, string>> = {
  MODEL: ' , ',
  PORT: '65536',
  GANTRY_API_KEY: 'correct horse battery staple',
  GANTRY_ALLOWED_ORIGINS: 'https://a.example, chat.example.org',
  GANTRY_UPSTREAM_API_KEY: 'two words',
  GANTRY_UPSTREAM_INPUT: 'video',
  HF_ENDPOINT: 'hub.example.org',
  HF_TOKEN: 'two words',
  GANTRY_CONTEXT_SIZE: 'big',
  GANTRY_THREADS: '0',
  GANTRY_GPU: 'rocm',
  GANTRY_PARALLEL: '65',
  GANTRY_KV_DISK_MB: '-1',
  GANTRY_MODEL_MEMORY_MB: '0',
  DATABASE_URL: 'mysql://user:hunter2@host/db',
  DOCKER_HOST: '/var/run/docker.sock',
  GANTRY_SANDBOX: 'podman',
  GANTRY_SANDBOX_MEMORY_MB: '63',
  GANTRY_SANDBOX_WORKSPACE_MB: '-1',
  GANTRY_SANDBOX_PROCESSES: '15',
  GANTRY_SANDBOX_CPUS: '0',
  GANTRY_SANDBOX_GPUS: '0',
  GANTRY_SANDBOX_POOL: '65',
  GANTRY_SANDBOX_POOL_AGE_SEC: '0',
  GANTRY_SANDBOX_MAX: '0',
  GANTRY_SANDBOX_TOTAL_MEMORY_MB: 'all',
  GANTRY_SANDBOX_QUEUE: '-1',
  GANTRY_SANDBOX_QUEUE_SEC: '0',
  GANTRY_SANDBOX_PROFILES: '{"large":{"memory_mb":63}}',
  GANTRY_SANDBOX_IDLE_SEC: '1.5',
  GANTRY_SANDBOX_SURVIVE_RESTART: 'true',
  GANTRY_SANDBOX_EGRESS: 'https://pypi.org/',
  GANTRY_SANDBOX_PRIVATE_NETWORKS: 'localhost',
  GANTRY_SANDBOX_PACKAGE_INDEX: 'pypi.org',
  GANTRY_AGENT_PERMISSION: 'yes',
  GANTRY_APPROVAL_TIMEOUT_SEC: 'sometimes',
  GANTRY_MAX_TOOL_ROUNDS: '-1',
  GANTRY_TOOL_TIMEOUT_SEC: '0',
  GANTRY_MAX_UPLOAD_MB: 'lots',
  GANTRY_STORAGE_LIMIT_MB: '0',
  GANTRY_SESSION_STORAGE_MB: '0',
  GANTRY_RUN_CONCURRENCY: '257',
  GANTRY_WORKER: 'true',
  GANTRY_LOG: 'xml',
  LOG_LEVEL: 'loud',
};

const SECONDS = Object.keys(environmentSchema.shape).filter((name) => name.endsWith('_SEC'));

/** Any text but the empty one is fine for these. */
const FREE_TEXT = [
  'HOST',
  'GANTRY_HOME',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'GANTRY_SANDBOX_IMAGE',
  'GANTRY_SANDBOX_RUNTIME',
];

describe('a wrong variable', () => {
  it('is known for every variable that can be wrong', () => {
    expect([...Object.keys(WRONG), ...FREE_TEXT].toSorted()).toEqual(
      Object.keys(environmentSchema.shape).toSorted(),
    );
  });

  it.each(Object.entries(WRONG))('is named with what was expected: %s', (name, value) => {
    const [problem, ...others] = problemsOf({ [name]: value });
    const description =
      environmentSchema.shape[name as keyof typeof environmentSchema.shape].description ?? 'no description';
    expect(others).toEqual([]);
    expect(problem).toMatch(new RegExp(`^${name}: expected `));
    expect(problem).toContain(description);
  });

  it.each(SECONDS)('is one that no timer can wait for: %s', (name) => {
    expect(problemsOf({ [name]: '2000000' })).toEqual([]);
    expect(problemsOf({ [name]: '2147484' })[0]).toContain('at most 2000000');
  });

  it('is shown with its value, unless that is a secret', () => {
    expect(problemsOf({ GANTRY_WORKER: 'true' })[0]).toContain('"true"');
    const [key] = problemsOf({ GANTRY_API_KEY: 'hunter2' });
    const [url] = problemsOf({ DATABASE_URL: 'mysql://user:hunter2@host/db' });
    const [token] = problemsOf({ HF_TOKEN: 'hunter2 hunter2' });
    for (const problem of [key, url, token]) {
      expect(problem).toContain('the value given');
      expect(problem).not.toContain('hunter2');
    }
  });

  it('is told together with all others, in one error', () => {
    const problems = problemsOf({ PORT: 'http', LOG_LEVEL: 'loud', GANTRY_GPU: 'rocm' });
    expect(problems.map((problem) => problem.split(':')[0] ?? '').toSorted()).toEqual([
      'GANTRY_GPU',
      'LOG_LEVEL',
      'PORT',
    ]);
    expect(() => loadConfig({ PORT: 'http', LOG_LEVEL: 'loud' })).toThrow(/PORT: .*\n.*LOG_LEVEL: /);
  });
});

describe('.env.example', () => {
  const text = readFileSync(join(PROJECT_ROOT, '.env.example'), 'utf8');
  const lines = text.split('\n');
  const isSetting = (line: string): boolean => /^#[A-Z][A-Z0-9_]*=/.test(line);
  const settings = lines.filter(isSetting).map((line) => line.slice(1));

  it('lists exactly the variables that are read, each once', () => {
    const listed = settings.map((line) => line.slice(0, line.indexOf('=')));
    expect(listed.toSorted()).toEqual(
      [...Object.keys(environmentSchema.shape), ...ACCELERATOR_VARIABLES].toSorted(),
    );
  });

  it('changes nothing as it is, and shows the true defaults', () => {
    expect(parseEnv(text)).toEqual({});
    expect(loadConfig(parseEnv(settings.join('\n')))).toEqual(loadConfig({}));
  });

  it('shows a default wherever there is one', () => {
    for (const [name, schema] of Object.entries(environmentSchema.shape)) {
      const fallback = schema.safeParse(undefined);
      expect(settings).toContain(`${name}=${fallback.success ? written(fallback.data) : ''}`);
    }
  });

  it('explains each variable in the line above it', () => {
    for (const [index, line] of lines.entries()) {
      if (!isSetting(line)) continue;
      const above = lines.slice(0, index).findLast((earlier) => !isSetting(earlier)) ?? '';
      expect(above, line).toMatch(/^# \S/);
    }
  });
});

describe('docs/operations.md', () => {
  const text = readFileSync(join(PROJECT_ROOT, 'docs', 'operations.md'), 'utf8');
  const rows = (/^## Configuration$(.*?)^## /ms.exec(text)?.[1] ?? '')
    .split('\n')
    .filter((line) => /^\| `[A-Z]/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it('has every variable in its table, and no other', () => {
    const named = rows.flatMap(([, names = '']) => names.split(',').map((name) => name.trim().slice(1, -1)));
    expect(named.toSorted()).toEqual(
      [...Object.keys(environmentSchema.shape), ...ACCELERATOR_VARIABLES].toSorted(),
    );
  });

  it('gives the true default wherever the schema has one', () => {
    for (const [name, schema] of Object.entries(environmentSchema.shape)) {
      const fallback = schema.safeParse(undefined);
      if (!fallback.success || fallback.data === undefined) continue;
      const row = rows.find(([, shown]) => shown === `\`${name}\``);
      expect(row?.[2], name).toBe(written(fallback.data));
    }
  });
});
