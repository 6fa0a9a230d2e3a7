import type Docker from 'dockerode';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import type { SandboxProtections } from '../sandbox.js';
import type { DockerSandboxOptions } from './docker-sandbox-options.js';

const infoSchema = z.object({
  ServerVersion: z.string().default('unknown'),
  CgroupVersion: z.string().default('unknown'),
  SecurityOptions: z.array(z.string()).nullish(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  MemoryLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
});

const MEBIBYTE = 2 ** 20;

function unavailable(reason: string): SandboxProtections {
  return { provider: 'docker', available: false, reason, network: 'not_applicable', notes: [] };
}

function isMissing(error: unknown): boolean {
  return z.object({ statusCode: z.literal(404) }).safeParse(error).success;
}

function notesOn(info: z.infer<typeof infoSchema>, options: DockerSandboxOptions): string[] {
  const seccomp = info.SecurityOptions?.some((option) => option.includes('seccomp')) ?? false;
  return [
    'There is no network: nothing can be downloaded or installed.',
    `Python runs in a container of its own for each session, as an ordinary user without privileges; only /workspace and /tmp can be written to.`,
    info.MemoryLimit
      ? `Memory is limited to ${Math.round(options.memoryBytes / MEBIBYTE)} MiB, files in /workspace (at most ${Math.round(options.workspaceBytes / MEBIBYTE)} MiB) included.`
      : 'This engine cannot limit memory.',
    info.PidsLimit
      ? `At most ${options.pids} processes and threads run at once, on ${options.cpus} processor core(s).`
      : 'This engine cannot limit processes.',
    ...(seccomp ? [] : ['This engine does not filter system calls.']),
  ];
}

/** Asks the engine what it can enforce. Never rejects: no engine is an answer. */
export async function probeEngine(
  docker: Docker,
  options: DockerSandboxOptions,
): Promise<SandboxProtections> {
  try {
    const info = infoSchema.parse(await docker.info());
    if (options.runtime !== undefined && info.Runtimes?.[options.runtime] === undefined) {
      const known = Object.keys(info.Runtimes ?? {}).join(', ');
      return unavailable(
        `The Docker engine does not know the runtime ${options.runtime}; it knows: ${known}.`,
      );
    }
    try {
      await docker.getImage(options.image).inspect();
    } catch (error) {
      if (!isMissing(error)) throw error;
      return unavailable(
        `The sandbox image ${options.image} is missing. Build it with: node sandboxes/build-image.mjs`,
      );
    }
    return {
      provider: 'docker',
      available: true,
      network: 'none',
      workspaceBytes: options.workspaceBytes,
      ...(info.MemoryLimit ? { memoryBytes: options.memoryBytes } : {}),
      ...(info.PidsLimit ? { processes: options.pids } : {}),
      ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      notes: notesOn(info, options),
    };
  } catch (error) {
    return unavailable(
      `No Docker engine answers (${messageOf(error)}). Start one, or install it (Debian: apt-get install docker.io).`,
    );
  }
}
