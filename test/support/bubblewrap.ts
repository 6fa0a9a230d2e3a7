import { join } from 'node:path';
import { describe } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { type BubblewrapMachine, thisMachine } from '../../src/sandbox/bubblewrap/bubblewrap-machine.js';
import type { BubblewrapSandboxOptions } from '../../src/sandbox/bubblewrap/bubblewrap-sandbox-options.js';
import { BubblewrapSandboxProvider } from '../../src/sandbox/bubblewrap/bubblewrap-sandbox-provider.js';
import { rootFileSystemPath } from '../../src/sandbox/bubblewrap/root-file-system.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';

/**
 * `describe` for tests that need bubblewrap. They are skipped only where `npm test` has tried to start a sandbox with it
 * and could not; it then says so in its last lines. Everywhere else a missing bubblewrap makes them fail.
 */
export const describeWithBubblewrap = describe.runIf(
  process.env['GANTRY_TEST_WITHOUT_BUBBLEWRAP'] === undefined,
);

/** Where `npm test` leaves the root file system: `node sandboxes/build-rootfs.mjs --into .toolchain/rootfs` does too. */
export function testRootFileSystem(): Promise<string> {
  return rootFileSystemPath(join(PROJECT_ROOT, '.toolchain'), join(PROJECT_ROOT, 'sandboxes'));
}

/** A provider for tests, without warm sandboxes; whoever makes it closes it. */
export async function bubblewrapProvider(
  options: Partial<BubblewrapSandboxOptions> = {},
  machine: BubblewrapMachine = thisMachine(),
  log: (message: string) => void = () => undefined,
): Promise<BubblewrapSandboxProvider> {
  const rootFileSystem = await testRootFileSystem();
  return new BubblewrapSandboxProvider(
    { ...SANDBOX_DEFAULTS, rootFileSystem, poolSize: 0, ...options },
    log,
    machine,
  );
}
