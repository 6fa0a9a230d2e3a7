import { mkdir, mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SANDBOX_DEFAULTS } from '../kernel/sandbox-resources.js';
import { bootSandbox } from './booted-sandbox.js';
import type { ControlGroups } from './control-groups/control-groups.js';

test('where no process can be made no control group is left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-groups-'));
  const make = async () => {
    await mkdir(join(folder, 'group'));
    return { folders: [join(folder, 'group')], entrances: [], counters: [] };
  };
  const place = {
    program: 'bwrap',
    options: new Set<string>(),
    account: 'own',
    systemCallFilter: new Uint8Array(),
    controlGroups: { make } as unknown as ControlGroups,
  } as const;
  const unusable = 'no\0path';
  await expect(bootSandbox(place, unusable, SANDBOX_DEFAULTS, 'bare')).rejects.toThrow('null bytes');
  expect(await readdir(folder)).toEqual([]);
  await rmdir(folder);
});
