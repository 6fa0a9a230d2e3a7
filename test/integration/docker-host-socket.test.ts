import Docker from 'dockerode';
import { access, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { bootContainer } from '../../src/sandbox/docker/booted-container.js';
import { HostSockets } from '../../src/sandbox/docker/host-sockets.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import type { BootedKernel } from '../../src/sandbox/kernel/booted-kernel.js';
import { runExecution } from '../../src/sandbox/kernel/execution.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { describeWithDocker } from '../support/docker.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
const profile = { ...SANDBOX_DEFAULTS, image, name: 'python' };
const docker = new Docker();
const HERE = { kind: 'socket', path: '/var/run/docker.sock' } as const;

async function boot(hostSockets: HostSockets): Promise<BootedKernel> {
  return bootContainer({ docker, hostSockets, log: () => undefined }, profile, {});
}

async function run({ connection }: BootedKernel, code: string): Promise<string> {
  const never = new AbortController().signal;
  const ignore = (): void => undefined;
  const limits = { timeoutMs: 20_000 };
  return (await runExecution(connection, { op: 'exec', code }, limits, ignore, never, ignore)).stdout;
}

/** After each opening of a socket, before the container is made. */
function meanwhile(sockets: HostSockets, disturb: (folder: string) => Promise<void>): HostSockets {
  const open = sockets.open.bind(sockets);
  sockets.open = async () => {
    const socket = await open();
    if (socket !== undefined) await disturb(socket.folder);
    return socket;
  };
  return sockets;
}

const LOOK = `
import os, socket
attempts = (
    lambda: os.listdir("/run/gantry"),
    lambda: open("/run/gantry/x", "w"),
    lambda: socket.socket(socket.AF_UNIX).connect("/run/gantry/host"),
)
for attempt in attempts:
    try:
        print(attempt())
    except OSError as error:
        print(error.strerror)
`;

describeWithDocker('the socket between a container and its host', () => {
  const kernels: BootedKernel[] = [];
  afterEach(async () => {
    await Promise.all(kernels.splice(0).map((kernel) => kernel.destroy()));
  });
  const booted = async (sockets: HostSockets): Promise<BootedKernel> => {
    const kernel = await boot(sockets);
    kernels.push(kernel);
    return kernel;
  };

  test('is gone before any code runs, and leaves nothing behind', async () => {
    let folder = '';
    const sockets = meanwhile(new HostSockets(HERE, () => undefined), async (opened) => {
      folder = opened;
    });
    const seen = await run(await booted(sockets), LOOK);
    // Its folder is removed, so nothing can be put into it either.
    expect(seen).toBe('Permission denied\nNo such file or directory\nNo such file or directory\n');
    await expect(access(dirname(folder))).rejects.toThrow('ENOENT');
  });

  test('carries the frames: the engine has nothing to carry', async () => {
    const carriers: Socket[] = [];
    const getContainer = vi.spyOn(docker, 'getContainer').mockImplementation((id) => {
      const container = new Docker().getContainer(id);
      const attach = container.attach.bind(container) as (options: object) => Promise<NodeJS.ReadWriteStream>;
      return Object.assign(container, {
        attach: async (options: object) => {
          const stream = await attach(options);
          carriers.push(stream as Socket);
          return stream;
        },
      });
    });
    const kernel = await booted(new HostSockets(HERE, () => undefined));
    expect(await run(kernel, 'print("x" * 100_000)')).toHaveLength(100_001);
    expect(carriers.map(({ bytesRead }) => bytesRead < 1000)).toEqual([true]);
    getContainer.mockRestore();
  });

  test('an engine that does not see the folder is spoken to as before', async () => {
    const said: string[] = [];
    const remove = (folder: string) => rm(dirname(folder), { recursive: true });
    const kernel = await booted(meanwhile(new HostSockets(HERE, (line) => said.push(line)), remove));
    expect(await run(kernel, 'print(6 * 7)')).toBe('42\n');
    expect(said).toEqual([expect.stringContaining('bind source path does not exist')]);
  });

  test('a kernel that cannot connect speaks through the engine', async () => {
    const sockets = new HostSockets(HERE, () => undefined);
    const kernel = await booted(meanwhile(sockets, (folder) => rm(join(folder, 'host'))));
    expect(await run(kernel, 'print(6 * 7)')).toBe('42\n');
  });
});
