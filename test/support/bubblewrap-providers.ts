import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { BubblewrapSandboxProvider } from '../../src/sandbox/bubblewrap/bubblewrap-sandbox-provider.js';
import { bubblewrapProvider } from './bubblewrap.js';

/** The processes whose parent is `pid`. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}

/** Control groups in any hierarchy whose name begins so. */
export async function controlGroups(prefix: string): Promise<string[]> {
  const folders = ['', ...(await readdir('/sys/fs/cgroup').catch(() => []))];
  const names = await Promise.all(
    folders.map((folder) => readdir(join('/sys/fs/cgroup', folder)).catch(() => [])),
  );
  return names.flat().filter((name) => name.startsWith(prefix));
}

/** Makes providers that are closed at the end of the test file; they must leave no process and no control group. */
export function bubblewrapProviders(): typeof bubblewrapProvider {
  const providers: BubblewrapSandboxProvider[] = [];
  afterAll(async () => {
    await Promise.all(providers.map((provider) => provider.close()));
    expect(await controlGroups(`gantry-${process.pid}-`)).toEqual([]);
    const children = await Promise.all((await childrenOf(process.pid)).map(commandOf));
    expect(children).not.toContainEqual(expect.stringMatching(/bwrap|gantry-keeper/));
  });
  return async (...parts) => {
    const provider = await bubblewrapProvider(...parts);
    providers.push(provider);
    return provider;
  };
}
