import type Docker from 'dockerode';
import type { Duplex } from 'node:stream';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { KernelConnection } from '../kernel/kernel-connection.js';
import { attachStream } from './attach-stream.js';
import { containerOptions } from './container-options.js';
import type { DockerSandboxOptions } from './docker-sandbox-options.js';

const BOOT_TIMEOUT_MS = 30_000;

/** Rejects with what the engine said; leaves no container behind then. */
export async function bootContainer(
  docker: Docker,
  options: DockerSandboxOptions,
  labels: Readonly<Record<string, string>>,
): Promise<BootedKernel> {
  const container = await docker.createContainer(containerOptions(options, labels));
  let connection: KernelConnection | undefined;
  const destroy = async (): Promise<void> => {
    // First the stream: an engine waits for its reader before it kills.
    connection?.close('it was closed');
    // Already gone or being removed by AutoRemove is what is wanted; without an engine nothing can be done.
    await container.remove({ force: true }).catch(() => undefined);
  };
  try {
    // Attached before the start, so that nothing is lost.
    const stream = await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    });
    connection = new KernelConnection(attachStream(stream as Duplex));
    await container.start();
    const timer = setTimeout(() => connection?.close('it did not start in time'), BOOT_TIMEOUT_MS);
    const kernel = await connection.ready.finally(() => clearTimeout(timer));
    connection.whenLost(() => void destroy());
    return {
      id: container.id,
      connection,
      kernel,
      destroy,
      rename: async (name) => {
        await container.rename({ name }).catch(() => undefined);
      },
    };
  } catch (error) {
    await destroy();
    throw error;
  }
}
