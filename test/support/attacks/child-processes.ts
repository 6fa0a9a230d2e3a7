import { glob, readFile } from 'node:fs/promises';

/** Processes that `pid` started and has not seen the end of. */
export async function childrenOf(pid: number): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(`/proc/${pid}/task/*/children`)) {
    const children = await readFile(path, 'utf8').catch(() => '');
    found.push(...children.split(' ').filter((child) => child !== ''));
  }
  return found;
}
