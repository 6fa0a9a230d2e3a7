import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { KernelConnection } from '../kernel/kernel-connection.js';
import type { KernelStream } from '../kernel/kernel-stream.js';
import type { SandboxResources } from '../kernel/sandbox-resources.js';
import { SYSTEM_PATH } from './bubblewrap-program.js';
import { removeControlGroup, type ControlGroup } from './control-groups/control-group.js';
import { launchCommand, type Preload } from './launch-command.js';
import type { SandboxPlace } from './sandbox-place.js';

const BOOT_TIMEOUT_MS = 30_000;
const LEAVES_WITHIN_MS = 500;
const MAX_CRASH_TEXT_BYTES = 8192;
/** Numbers that neither people, nor systemd, nor containers with a range of their own are given. */
const PRIVATE_ACCOUNTS = { first: 1_900_000_000, count: 2 ** 24 } as const;

interface Pipes {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

function kernelStream({ stdin, stdout, stderr }: Pipes): KernelStream {
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_CRASH_TEXT_BYTES);
  });
  stderr.on('error', () => undefined);
  return {
    output: stdout,
    input: stdin,
    crashText: () => said.trim(),
    destroy: () => {
      stdin.destroy();
      stdout.destroy();
      stderr.destroy();
    },
  };
}

/** Throws where no process can be made at all. */
function start(place: SandboxPlace, command: ReturnType<typeof launchCommand>): ChildProcess & Pipes {
  const child = spawn(command.program, command.arguments, {
    cwd: '/',
    env: { PATH: SYSTEM_PATH },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  // Its absence, and an end before it has read this, show as the end of its output.
  child.on('error', () => undefined);
  if ((child.stdio as unknown) === undefined) throw new Error('this process has too many files open');
  const filter = child.stdio[3] as Writable;
  filter.on('error', () => undefined);
  filter.end(place.systemCallFilter);
  return child;
}

/** Resolves when the process has ended, which the end of its input asks it to do; kills it if it does not. */
async function ended(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  const killed = delay(LEAVES_WITHIN_MS, undefined, { signal: patience.signal })
    .then(() => child.kill('SIGKILL'))
    .catch(() => undefined);
  await exited;
  patience.abort();
  await killed;
}

/** Rejects with what was said on the way; leaves no process and no control group behind then. */
export async function bootSandbox(
  place: SandboxPlace,
  rootFileSystem: string,
  resources: SandboxResources,
  preload: Preload,
): Promise<BootedKernel> {
  const group = await place.controlGroups?.make(resources);
  try {
    return await bootIn(group, place, rootFileSystem, resources, preload);
  } catch (error) {
    if (group !== undefined) await removeControlGroup(group);
    throw error;
  }
}

async function bootIn(
  group: ControlGroup | undefined,
  place: SandboxPlace,
  rootFileSystem: string,
  resources: SandboxResources,
  preload: Preload,
): Promise<BootedKernel> {
  const hostUserId = PRIVATE_ACCOUNTS.first + randomInt(PRIVATE_ACCOUNTS.count);
  const command = launchCommand({
    rootFileSystem,
    resources,
    place,
    hostUserId,
    preload,
    ...(group === undefined ? {} : { group }),
  });
  const child = start(place, command);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // After the last word on stderr, which tells why it ended.
  const connection = new KernelConnection(kernelStream(child));
  let destroying: Promise<void> | undefined;
  const destroy = (): Promise<void> => {
    connection.close('it was closed');
    destroying ??= (async () => {
      await ended(child, exited);
      if (group !== undefined) await removeControlGroup(group);
    })();
    return destroying;
  };
  try {
    const timer = setTimeout(() => connection.close('it did not start in time'), BOOT_TIMEOUT_MS);
    const kernel = await connection.ready.finally(() => clearTimeout(timer));
    connection.whenLost(() => void destroy());
    return {
      id: `bwrap-${child.pid}-${randomBytes(4).toString('hex')}`,
      connection,
      kernel,
      destroy,
      ...(resources.maxTimeoutMs === undefined ? {} : { maxTimeoutMs: resources.maxTimeoutMs }),
      // A process keeps its name.
      rename: async () => undefined,
    };
  } catch (error) {
    await destroy();
    throw error;
  }
}
