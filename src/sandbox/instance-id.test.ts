import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { instanceId } from './instance-id.js';

test('a data directory has one name, also for those who ask at once and at the next start', async () => {
  const root = await mkdtemp(join(tmpdir(), 'gantry-instance-'));
  try {
    const home = join(root, 'home');
    const names = await Promise.all(Array.from({ length: 10 }, () => instanceId(home)));
    expect(names[0]).toMatch(/^work_/);
    expect(new Set(names).size).toBe(1);
    expect(await instanceId(home)).toBe(names[0]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
