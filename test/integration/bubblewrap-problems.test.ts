import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { thisMachine } from '../../src/sandbox/bubblewrap/bubblewrap-machine.js';
import { describeWithBubblewrap, testRootFileSystem } from '../support/bubblewrap.js';
import { bubblewrapProviders } from '../support/bubblewrap-providers.js';

const provide = bubblewrapProviders();

const spec = (sessionId: string) => ({ sessionId, runId: 'run_1', generation: 1 });

describe('what is missing is said, not waited for', () => {
  test('bubblewrap itself', async () => {
    const rootFileSystem = await wholeRoot();
    const provider = await provide({ rootFileSystem }, thisMachine('no-such-bwrap'));
    await provider.ready();
    expect(provider.protections()).toMatchObject({ provider: 'bubblewrap', available: false });
    expect(provider.protections().reason).toContain('apt-get install bubblewrap');
    await expect(provider.acquire(spec('sess_none'))).rejects.toMatchObject({ code: 'unavailable' });
    await rm(rootFileSystem, { recursive: true });
  });

  test('the root file system', async () => {
    const provider = await provide({ rootFileSystem: '/nonexistent/root' });
    await provider.ready();
    expect(provider.protections().reason).toContain('node sandboxes/build-rootfs.mjs --into /nonexistent');
    await expect(provider.acquire(spec('sess_none'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('half a root file system', async () => {
    const rootFileSystem = await mkdtemp(join(tmpdir(), 'gantry-half-'));
    const provider = await provide({ rootFileSystem });
    await provider.ready();
    expect(provider.protections().reason).toMatch(/not whole.*--again/);
    await rm(rootFileSystem, { recursive: true });
  });
});

/** Sealed like one that is whole, and empty but for that. */
async function wholeRoot(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gantry-root-'));
  await mkdir(join(path, 'opt/gantry'), { recursive: true });
  await writeFile(join(path, 'opt/gantry/.root-file-system'), '');
  return path;
}

describeWithBubblewrap('what does not start is said', () => {
  test('a root file system without Python', async () => {
    const rootFileSystem = await wholeRoot();
    const provider = await provide({ rootFileSystem });
    await provider.ready();
    expect(provider.protections().reason).toMatch(/could not be started: .*bwrap.*--again/s);
    await provider.close();
    await rm(rootFileSystem, { recursive: true });
  });

  test('a sandbox that needs more memory than it has', async () => {
    const provider = await provide({ memoryBytes: 4 * 2 ** 20 });
    await provider.ready();
    expect(provider.protections()).toMatchObject({ available: false });
    expect(provider.protections().reason).toContain('could not be started');
  });

  test('set-up and server agree on where the root file system is', async () => {
    const setUp: { rootFileSystem(into: string): string } = await import(
      `${PROJECT_ROOT}/sandboxes/build-rootfs.mjs`
    );
    expect(setUp.rootFileSystem(join(PROJECT_ROOT, '.toolchain', 'rootfs'))).toBe(await testRootFileSystem());
  });
});
