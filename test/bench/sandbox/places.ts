import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/config/project-root.js';
import { thisMachine } from '../../../src/sandbox/bubblewrap/bubblewrap-machine.js';
import { BubblewrapSandboxProvider } from '../../../src/sandbox/bubblewrap/bubblewrap-sandbox-provider.js';
import { rootFileSystemPath } from '../../../src/sandbox/bubblewrap/root-file-system.js';
import { DockerSandboxProvider } from '../../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../../src/sandbox/kernel/sandbox-resources.js';
import type { ExecutionResult, Sandbox, SandboxProvider } from '../../../src/sandbox/sandbox.js';
import { printHeading } from '../measure.js';

/** A way to run code that is measured. */
export interface Place {
  readonly name: string;
  provide(poolSize: number): SandboxProvider;
}

export async function dockerImage(): Promise<string> {
  return sandboxImage(join(PROJECT_ROOT, 'sandboxes'));
}

/** Docker, which must be there, and bubblewrap where it works. */
export async function sandboxPlaces(): Promise<readonly Place[]> {
  const [docker, bubblewrap] = [await dockerPlace(), await bubblewrapPlace()];
  const { available, reason = '' } = await withProvider(bubblewrap, 0, async (provider) =>
    provider.protections(),
  );
  if (available) return [docker, bubblewrap];
  printHeading(`bubblewrap is not measured: ${reason}`);
  return [docker];
}

async function bubblewrapPlace(): Promise<Place> {
  const home = join(PROJECT_ROOT, '.toolchain');
  const rootFileSystem = await rootFileSystemPath(home, join(PROJECT_ROOT, 'sandboxes'));
  return {
    name: 'bubblewrap',
    provide: (poolSize) =>
      new BubblewrapSandboxProvider(
        { ...SANDBOX_DEFAULTS, rootFileSystem, poolSize },
        () => undefined,
        thisMachine(),
      ),
  };
}

async function dockerPlace(): Promise<Place> {
  const image = await dockerImage();
  return {
    name: 'docker',
    provide: (poolSize) =>
      new DockerSandboxProvider(
        { ...SANDBOX_DEFAULTS, instanceId: `bench-${process.pid}`, image, poolSize },
        () => undefined,
      ),
  };
}

/** Runs `use` on a provider that is taken down again, whatever comes of it. */
export async function withProvider<T>(
  place: Place,
  poolSize: number,
  use: (provider: SandboxProvider) => Promise<T>,
): Promise<T> {
  const provider = place.provide(poolSize);
  try {
    await provider.ready();
    return await use(provider);
  } finally {
    await provider.close();
  }
}

export function acquire(provider: SandboxProvider, session: string): Promise<Sandbox> {
  return provider.acquire({ sessionId: `sess_bench_${session}`, runId: 'run_bench', generation: 1 });
}

export function exec(sandbox: Sandbox, code: string): Promise<ExecutionResult> {
  return sandbox.exec(code, { timeoutMs: 30_000 }, () => undefined, new AbortController().signal);
}

export function requireValue(value: string | undefined, expected: string): void {
  if (value !== expected) throw new Error(`A call gave ${value ?? 'nothing'} instead of ${expected}.`);
}
