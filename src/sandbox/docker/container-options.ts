import type { ContainerCreateOptions } from 'dockerode';
import { WORKING_DIRECTORY } from '../kernel/working-directory.js';
import type { DockerSandboxOptions } from './docker-sandbox-options.js';

const USER_ID = 10001;
const TEMPORARY_BYTES = 64 * 2 ** 20;

function tmpfs(bytes: number, inodes: number, mode: string): string {
  return `rw,nosuid,nodev,size=${bytes},nr_inodes=${inodes},mode=${mode},uid=${USER_ID},gid=${USER_ID}`;
}

/**
 * Every wall of a sandbox. No log driver: the default one writes what a container prints to the
 * host's disk without limit. No shared memory: `/dev/shm` would be a hole in the size caps.
 * `StdinOnce` ends the container when this process dies, `AutoRemove` then removes it.
 */
export function containerOptions(
  options: DockerSandboxOptions,
  labels: Readonly<Record<string, string>>,
): ContainerCreateOptions {
  return {
    Image: options.image,
    User: `${USER_ID}:${USER_ID}`,
    WorkingDir: WORKING_DIRECTORY,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Labels: { gantry: '1', 'gantry.owner': options.instanceId, ...labels },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      IpcMode: 'none',
      Tmpfs: {
        [WORKING_DIRECTORY]: tmpfs(options.workspaceBytes, 4096, '0700'),
        '/tmp': tmpfs(TEMPORARY_BYTES, 2048, '1777'),
      },
      Memory: options.memoryBytes,
      MemorySwap: options.memoryBytes,
      NanoCpus: Math.round(options.cpus * 1e9),
      PidsLimit: options.pids,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 256, Hard: 256 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      LogConfig: { Type: 'none', Config: {} },
      ...(options.runtime === undefined ? {} : { Runtime: options.runtime }),
    },
  };
}
