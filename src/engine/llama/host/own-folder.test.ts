import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { StateShelf } from './state-shelf.js';
import { takeOwnFolder } from './own-folder.js';

const LONG_AGO = new Date(Date.now() - 3_600_000);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gantry-kv-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function folderOf(name: string): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '0.state'), 'a conversation');
  return folder;
}

test('a process of another container keeps its folder, whatever its number is here', async () => {
  const others = [await folderOf(String(process.pid)), await folderOf('999999999')];
  const shelf = await StateShelf.open(root, 1000);
  onTestFinished(() => shelf.close());
  for (const other of others) expect(existsSync(join(other, '0.state'))).toBe(true);
});

test('each has a folder of its own, and takes it along', async () => {
  const [one, other] = await Promise.all([takeOwnFolder(root), takeOwnFolder(root)]);
  expect(one.path).not.toBe(other.path);
  expect((await stat(one.path)).mode & 0o777).toBe(0o700);
  await one.close();
  expect([one, other].map(({ path }) => existsSync(path))).toEqual([false, true]);
  await other.close();
});

test('what nobody renews goes, and nothing else', async () => {
  const dead = [await folderOf('host-abc123'), await folderOf('999999999')];
  const strange = await folderOf('lost+found');
  for (const folder of [...dead, strange]) await utimes(folder, LONG_AGO, LONG_AGO);
  const own = await takeOwnFolder(root);
  expect(dead.map(existsSync)).toEqual([false, false]);
  expect(existsSync(strange)).toBe(true);
  await own.close();
});

test('one that is in use is renewed, and comes back where it was taken for stale', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const own = await takeOwnFolder(root);
  const renewed = async () => {
    vi.advanceTimersByTime(10_000);
    await vi.waitFor(async () => expect((await stat(own.path)).mtimeMs).toBeGreaterThan(+LONG_AGO));
  };
  await utimes(own.path, LONG_AGO, LONG_AGO);
  await renewed();
  await rm(own.path, { recursive: true });
  await renewed();
  await own.close();
  expect(existsSync(own.path)).toBe(false);
});
