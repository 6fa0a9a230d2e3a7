import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Controller, ControlGroupPlace } from './control-group-places.js';

const CPU_PERIOD_US = 100_000;
const REMOVE_WITHIN_MS = 5000;
const REMOVE_AGAIN_MS = 10;

export interface ControlGroupLimits {
  readonly memoryBytes: number;
  /** Threads count too. */
  readonly pids: number;
  readonly cpus: number;
}

/** One sandbox's group; in version 1 one folder a controller. */
export interface ControlGroup {
  readonly folders: readonly string[];
  /** Who writes its process number into each of these stands in the group. */
  readonly entrances: readonly string[];
  /** What was used, what was killed for want of memory and how many there are, and where a kernel inside looks for it. */
  readonly counters: readonly { readonly path: string; readonly seenAt: string }[];
}

interface Setting {
  readonly controller: Controller;
  readonly file: string;
  readonly value: string;
  /** Not every kernel accounts for swap. */
  readonly need: 'always' | 'where there is one';
}

function settingsOf(version: 1 | 2, { memoryBytes, pids, cpus }: ControlGroupLimits): readonly Setting[] {
  const quota = String(Math.round(cpus * CPU_PERIOD_US));
  const set = (
    controller: Controller,
    file: string,
    value: number | string,
    need: Setting['need'] = 'always',
  ): Setting => ({ controller, file, value: String(value), need });
  return version === 1
    ? [
        set('memory', 'memory.limit_in_bytes', memoryBytes),
        // Memory and swap together: the same number leaves no swap.
        set('memory', 'memory.memsw.limit_in_bytes', memoryBytes, 'where there is one'),
        set('pids', 'pids.max', pids),
        set('cpu', 'cpu.cfs_period_us', CPU_PERIOD_US),
        set('cpu', 'cpu.cfs_quota_us', quota),
      ]
    : [
        set('memory', 'memory.max', memoryBytes),
        set('memory', 'memory.swap.max', 0, 'where there is one'),
        set('pids', 'pids.max', pids),
        set('cpu', 'cpu.max', `${quota} ${CPU_PERIOD_US}`),
      ];
}

/** As the kernel's accounting.py reads them. */
function countersOf(version: 1 | 2, folderOf: (controller: Controller) => string): ControlGroup['counters'] {
  const counter = (controller: Controller, file: string): ControlGroup['counters'][number] => ({
    path: join(folderOf(controller), file),
    seenAt: join('/sys/fs/cgroup', version === 1 ? controller : '', file),
  });
  return version === 1
    ? [
        counter('memory', 'memory.oom_control'),
        counter('memory', 'memory.max_usage_in_bytes'),
        counter('cpuacct', 'cpuacct.usage'),
        counter('pids', 'pids.current'),
      ]
    : [
        counter('memory', 'memory.events'),
        counter('memory', 'memory.peak'),
        counter('cpu', 'cpu.stat'),
        counter('pids', 'pids.current'),
      ];
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** In version 2 a folder hands on only the controllers that it says it does. */
async function handOnControllers(folder: string): Promise<void> {
  const path = join(folder, 'cgroup.subtree_control');
  const handed = (await readFile(path, 'utf8')).trim().split(' ');
  const missing = ['memory', 'pids', 'cpu'].filter((controller) => !handed.includes(controller));
  if (missing.length > 0) await writeFile(path, missing.map((name) => `+${name}`).join(' '), { flag: 'r+' });
}

/** Rejects, and leaves nothing behind, where this account may not make one or a limit cannot be set. */
export async function makeControlGroup(
  place: ControlGroupPlace,
  name: string,
  limits: ControlGroupLimits,
): Promise<ControlGroup> {
  const folderOf = (controller: Controller): string => join(place.folders[controller], name);
  const folders = [...new Set(Object.values(place.folders))].map((folder) => join(folder, name));
  const group: ControlGroup = {
    folders,
    entrances: folders.map((folder) => join(folder, 'cgroup.procs')),
    counters: countersOf(place.version, folderOf),
  };
  try {
    if (place.version === 2) await handOnControllers(place.folders.memory);
    for (const folder of folders) await mkdir(folder);
    for (const { controller, file, value, need } of settingsOf(place.version, limits)) {
      try {
        // Never made: a file that is not there is a limit that does not exist.
        await writeFile(join(folderOf(controller), file), value, { flag: 'r+' });
      } catch (error) {
        if (need === 'always' || !isCode(error, 'ENOENT')) throw error;
      }
    }
    return group;
  } catch (error) {
    await removeControlGroup(group);
    throw error;
  }
}

/** Waits for the last process to be gone. Says whether the group is gone; never rejects. */
export async function removeControlGroup(group: ControlGroup): Promise<boolean> {
  const deadline = Date.now() + REMOVE_WITHIN_MS;
  for (;;) {
    const results = await Promise.all(group.folders.map(removeFolder));
    if (results.every((result) => result !== 'busy')) return results.every((result) => result === 'gone');
    if (Date.now() > deadline) return false;
    await delay(REMOVE_AGAIN_MS);
  }
}

async function removeFolder(folder: string): Promise<'gone' | 'busy' | 'stuck'> {
  try {
    await rmdir(folder);
    return 'gone';
  } catch (error) {
    if (isCode(error, 'ENOENT')) return 'gone';
    return isCode(error, 'EBUSY') ? 'busy' : 'stuck';
  }
}
