import type Docker from 'dockerode';
import { z } from 'zod';
import { describeAddress, type EngineAddress } from './engine-address.js';
import { engineMessage, inTime } from './in-time.js';

const PROBE_TIMEOUT_MS = 15_000;
/** Docker 19.03: the first with everything that a sandbox asks for. */
const OLDEST_API = [1, 40] as const;

const infoSchema = z.object({
  ServerVersion: z.string().default('unknown'),
  OSType: z.string().default('linux'),
  Architecture: z.string().default('unknown'),
  CgroupVersion: z.string().default('unknown'),
  SecurityOptions: z.array(z.string()).nullish(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  DefaultRuntime: z.string().default('unknown'),
  MemoryLimit: z.boolean().default(false),
  SwapLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
});

const versionSchema = z.object({ ApiVersion: z.string().default('0.0') });

/** What an engine says of itself. */
export interface EngineFacts {
  readonly version: string;
  readonly architecture: string;
  /** `1`, `2` or `unknown`. */
  readonly cgroup: string;
  readonly runtimes: readonly string[];
  readonly defaultRuntime: string;
  readonly seccomp: boolean;
  /** The engine has no privileges on its machine. */
  readonly rootless: boolean;
  /** A user of a container is another one on the machine. */
  readonly userNamespaces: boolean;
  readonly limitsMemory: boolean;
  readonly limitsSwap: boolean;
  readonly limitsProcesses: boolean;
}

export type EngineAnswer =
  | { readonly facts: EngineFacts; readonly reason?: never }
  | { readonly reason: string; readonly facts?: never };

/** Asks the engine what it can enforce. Never rejects: no engine is an answer. */
export async function probeEngine(docker: Docker, address: EngineAddress): Promise<EngineAnswer> {
  try {
    const version = versionSchema.parse(await inTime(docker.version(), PROBE_TIMEOUT_MS));
    const info = infoSchema.parse(await inTime(docker.info(), PROBE_TIMEOUT_MS));
    if (isOld(version.ApiVersion)) {
      return {
        reason: `The Docker engine ${info.ServerVersion} is too old (API ${version.ApiVersion}): sandboxes need Docker 19.03 (API ${OLDEST_API.join('.')}) or newer.`,
      };
    }
    if (info.OSType !== 'linux') {
      return { reason: `The Docker engine runs ${info.OSType} containers: sandboxes need Linux ones.` };
    }
    return { facts: factsOf(info) };
  } catch (error) {
    return {
      reason: `No Docker engine answers at ${describeAddress(address)} (${engineMessage(error)}). ${advice(address, error)}`,
    };
  }
}

function isOld(apiVersion: string): boolean {
  const [major = 0, minor = 0] = apiVersion.split('.').map(Number);
  return major < OLDEST_API[0] || (major === OLDEST_API[0] && minor < OLDEST_API[1]);
}

function factsOf(info: z.infer<typeof infoSchema>): EngineFacts {
  const has = (name: string): boolean =>
    info.SecurityOptions?.some((option) => option.split(',').includes(`name=${name}`)) ?? false;
  return {
    version: info.ServerVersion,
    architecture: info.Architecture,
    cgroup: info.CgroupVersion,
    runtimes: Object.keys(info.Runtimes ?? {}),
    defaultRuntime: info.DefaultRuntime,
    seccomp: has('seccomp'),
    rootless: has('rootless'),
    userNamespaces: has('userns'),
    limitsMemory: info.MemoryLimit,
    limitsSwap: info.SwapLimit,
    limitsProcesses: info.PidsLimit,
  };
}

function advice(address: EngineAddress, error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EACCES') {
    return 'This user may not open it: add the user to the group that owns it (Debian: docker).';
  }
  switch (address.kind) {
    case 'socket':
      return 'Start one, or install it (Debian: apt-get install docker.io).';
    case 'tcp':
      return 'Check DOCKER_HOST and, for TLS, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.';
    case 'ssh':
      return `Check DOCKER_HOST: \`ssh ${address.user === undefined ? '' : `${address.user}@`}${address.host} docker version\` must work without a question.`;
    default:
      return address satisfies never;
  }
}
