import { readFile } from 'node:fs/promises';

const START_TIME_FIELD = 19;

/** When a process began, in the kernel's ticks since boot; undefined for one that is gone. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    // The name in brackets may hold anything, brackets and spaces too.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ');
    return fields?.[START_TIME_FIELD];
  } catch {
    return undefined;
  }
}

/** Names this process among all that ever ran since boot: numbers are used again. */
export async function ownerName(): Promise<string> {
  return `gantry-${process.pid}-${(await startOf(process.pid)) ?? '0'}`;
}

/** Whether a group bears the name of a process that is gone. False for names that are not ours. */
export async function isAbandoned(name: string): Promise<boolean> {
  const [, pid, start] = /^gantry-(\d+)-(\d+)-/.exec(name) ?? [];
  return pid !== undefined && (await startOf(Number(pid))) !== start;
}
