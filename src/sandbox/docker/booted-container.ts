import type Docker from 'dockerode';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { KernelConnection } from '../kernel/kernel-connection.js';
import { attachStream } from './attach-stream.js';
import { containerOptions } from './container-options.js';
import type { SandboxProfile } from './docker-sandbox-options.js';
import { inTime } from './in-time.js';

const BOOT_TIMEOUT_MS = 60_000;
const REMOVE_TIMEOUT_MS = 15_000;

/** Rejects with what the engine said; leaves no container behind then. */
export async function bootContainer(
  docker: Docker,
  profile: SandboxProfile,
  labels: Readonly<Record<string, string>>,
): Promise<BootedKernel> {
  // Ours to choose, so that it can be removed when the engine's answer to its making is lost.
  const name = `gantry-${randomBytes(8).toString('hex')}`;
  let reference = name;
  let connection: KernelConnection | undefined;
  let removal: Promise<void> | undefined;
  const remove = async (): Promise<void> => {
    // Already gone or being removed by AutoRemove is what is wanted; without an engine nothing can be done.
    await inTime(docker.getContainer(reference).remove({ force: true }), REMOVE_TIMEOUT_MS).catch(
      () => undefined,
    );
  };
  const destroy = (): Promise<void> => {
    // First the stream: an engine waits for its reader before it kills.
    connection?.close('it was closed');
    removal ??= remove();
    return removal;
  };
  try {
    const container = await inTime(
      docker.createContainer(containerOptions(profile, name, labels)),
      BOOT_TIMEOUT_MS,
    );
    reference = container.id;
    // Attached before the start, so that nothing is lost.
    const stream = await inTime(
      container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
      BOOT_TIMEOUT_MS,
    );
    connection = new KernelConnection(attachStream(stream as Duplex));
    await inTime(container.start(), BOOT_TIMEOUT_MS);
    const timer = setTimeout(() => connection?.close('it did not start in time'), BOOT_TIMEOUT_MS);
    const kernel = await connection.ready.finally(() => clearTimeout(timer));
    connection.whenLost(() => void destroy());
    return {
      id: container.id,
      connection,
      kernel,
      destroy,
      ...(profile.maxTimeoutMs === undefined ? {} : { maxTimeoutMs: profile.maxTimeoutMs }),
      rename: async (next) => {
        await container.rename({ name: next }).catch(() => undefined);
      },
    };
  } catch (error) {
    await destroy();
    throw error;
  }
}
