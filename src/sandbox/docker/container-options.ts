import type { ContainerCreateOptions, DeviceRequest } from 'dockerode';
import { WORKING_DIRECTORY } from '../kernel/working-directory.js';
import type { GpuRequest, SandboxProfile } from './docker-sandbox-options.js';
import { HOST_SOCKET_TARGET } from './host-socket.js';

const USER_ID = 10001;
const TEMPORARY_BYTES = 64 * 2 ** 20;
/** As in sandboxes/kernel/gantry_kernel/host_link.py. Seconds. */
const UNATTENDED_VARIABLE = 'GANTRY_UNATTENDED_SEC';

function tmpfs(bytes: number, inodes: number, mode: string): string {
  return `rw,exec,nosuid,nodev,size=${bytes},nr_inodes=${inodes},mode=${mode},uid=${USER_ID},gid=${USER_ID}`;
}

/** Computing and asking after the devices; nothing that draws or encodes. */
function deviceRequest(gpus: GpuRequest): DeviceRequest {
  const which = typeof gpus === 'object' ? { DeviceIDs: [...gpus] } : { Count: gpus === 'all' ? -1 : gpus };
  return { Driver: '', ...which, Capabilities: [['gpu', 'compute', 'utility']] };
}

/** How a container is tied to this process. */
export interface ContainerTies {
  /** It outlives this process, and ends when no other has come for so long. */
  readonly unattendedMs?: number | undefined;
  /** Where its kernel finds its host; absent: at its stdin and stdout. */
  readonly hostSocketFolder?: string | undefined;
}

/**
 * Every wall of a sandbox. No log driver: the default one writes what a container prints to the
 * host's disk without limit. No shared memory: `/dev/shm` would be a hole in the size caps. No health
 * check: an image could bring one, which the engine would run beside the kernel.
 * `StdinOnce` ends the container when this process dies, `AutoRemove` then removes it.
 */
export function containerOptions(
  profile: SandboxProfile,
  name: string,
  labels: Readonly<Record<string, string>>,
  { unattendedMs, hostSocketFolder }: ContainerTies = {},
): ContainerCreateOptions {
  const { image, memoryBytes, workspaceBytes, cpus, pids, runtime, gpus } = profile;
  return {
    name,
    Image: image,
    User: `${USER_ID}:${USER_ID}`,
    WorkingDir: WORKING_DIRECTORY,
    OpenStdin: true,
    StdinOnce: unattendedMs === undefined,
    ...(unattendedMs === undefined ? {} : { Env: [`${UNATTENDED_VARIABLE}=${unattendedMs / 1000}`] }),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    Labels: { gantry: '1', ...labels },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      IpcMode: 'none',
      Tmpfs: {
        [WORKING_DIRECTORY]: tmpfs(workspaceBytes, 4096, '0700'),
        '/tmp': tmpfs(TEMPORARY_BYTES, 2048, '1777'),
      },
      ...(hostSocketFolder === undefined
        ? {}
        : {
            Mounts: [{ Type: 'bind', Source: hostSocketFolder, Target: HOST_SOCKET_TARGET, ReadOnly: true }],
          }),
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
      NanoCpus: Math.round(cpus * 1e9),
      PidsLimit: pids,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 256, Hard: 256 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      LogConfig: { Type: 'none', Config: {} },
      ...(runtime === undefined ? {} : { Runtime: runtime }),
      ...(gpus === undefined ? {} : { DeviceRequests: [deviceRequest(gpus)] }),
    },
  };
}
