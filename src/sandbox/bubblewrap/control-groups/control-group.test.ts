import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeControlGroup, removeControlGroup } from './control-group.js';
import type { ControlGroupPlace } from './control-group-places.js';
import { isAbandoned, ownerName } from './owner-process.js';

const LIMITS = { memoryBytes: 2 ** 28, pids: 32, cpus: 0.5 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-groups-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A folder of version 2 whose parent's file says which controllers are handed on; groups in it have no files. */
async function version2(handedOn: string): Promise<ControlGroupPlace> {
  await writeFile(join(folder, 'cgroup.subtree_control'), handedOn);
  return { version: 2, folders: { memory: folder, pids: folder, cpu: folder, cpuacct: folder } };
}

test('where a limit cannot be set nothing is left', async () => {
  const place = await version2('cpu memory pids');
  await expect(makeControlGroup(place, 'group', LIMITS)).rejects.toThrow(/memory\.max/);
  expect(await readdir(folder)).toEqual(['cgroup.subtree_control']);
});

test('controllers that are not handed on yet are asked for', async () => {
  const place = await version2('memory');
  await expect(makeControlGroup(place, 'group', LIMITS)).rejects.toThrow();
  expect(await readFile(join(folder, 'cgroup.subtree_control'), 'utf8')).toContain('+pids +cpu');
});

test('removing waits for nothing that is not there, and says what stays', async () => {
  const gone = { folders: [join(folder, 'absent')], entrances: [], counters: [] };
  expect(await removeControlGroup(gone)).toBe(true);
  await mkdir(join(folder, 'full/inside'), { recursive: true });
  expect(await removeControlGroup({ ...gone, folders: [join(folder, 'full')] })).toBe(false);
  await rmdir(join(folder, 'full/inside'));
  expect(await removeControlGroup({ ...gone, folders: [join(folder, 'full')] })).toBe(true);
});

test('a group is abandoned when the process that it names is gone, also when its number was given out again', async () => {
  const own = await ownerName();
  expect(own).toMatch(new RegExp(`^gantry-${process.pid}-\\d+$`));
  expect(await isAbandoned(`${own}-1`)).toBe(false);
  expect(await isAbandoned(`gantry-${process.pid}-1-1`)).toBe(true);
  expect(await isAbandoned('gantry-4194304-1-1')).toBe(true);
  expect(await isAbandoned('docker')).toBe(false);
});
