import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeOnce } from './write-once.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-once-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('all who write at once read the same text, which stays', async () => {
  const path = join(folder, 'secret');
  const texts = Array.from({ length: 20 }, (_, index) => `secret ${index}`);
  const read = await Promise.all(texts.map((text) => writeOnce(path, text, 0o600)));
  expect(new Set(read).size).toBe(1);
  expect(texts).toContain(read[0]);
  expect(await writeOnce(path, 'late', 0o600)).toBe(read[0]);
  expect(await readFile(path, 'utf8')).toBe(read[0]);
});

test('nothing else is left behind, and the mode is that which was asked for', async () => {
  await writeOnce(join(folder, 'secret'), 'first', 0o600);
  await writeOnce(join(folder, 'secret'), 'second', 0o600);
  expect(await readdir(folder)).toEqual(['secret']);
  expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600);
});
