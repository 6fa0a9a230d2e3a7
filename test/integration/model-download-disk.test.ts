import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Disk, REAL_DISK } from '../../src/models/disk.js';
import {
  CONTENT,
  content,
  events,
  freshHubForEachTest,
  home,
  hub,
  modelsDirectory,
  part,
  pull,
  target,
} from './model-download-scene.js';

freshHubForEachTest();

describe('the disk', () => {
  test('without room is told before anything is fetched, for all files together', async () => {
    const disk: Disk = { ...REAL_DISK, freeBytes: () => Promise.resolve(1024 * 1024) };
    await expect(pull('hf:o/r', { disk })).rejects.toMatchObject({ code: 'not_enough_space' });
    expect(hub.contentRequests).toEqual([]);
  });

  test('that becomes full in the middle keeps what was written, and the next try goes on', async () => {
    let room = 100_000;
    const disk: Disk = {
      ...REAL_DISK,
      openPart: async (path) => {
        const handle = await REAL_DISK.openPart(path);
        return Object.assign(handle, { write: fullAfter(handle.write.bind(handle), () => room) });
      },
    };
    await expect(pull('hf:o/r', { disk })).rejects.toMatchObject({ code: 'disk_full' });
    const kept = (await stat(part())).size;
    expect(kept).toBe(100_000);
    hub.forget();
    room = Infinity;
    await pull('hf:o/r', { disk });
    expect(hub.contentRequests.map(({ range }) => range)).toEqual([`bytes=${kept}-`]);
    expect(await content()).toEqual(CONTENT);
  });

  test('a link in the place of the beginning is not written through', async () => {
    const precious = join(home, 'precious');
    await writeFile(precious, 'precious');
    await mkdir(dirname(target()), { recursive: true });
    await symlink(precious, part());
    await expect(pull()).rejects.toMatchObject({ code: 'cannot_write' });
    expect(await readFile(precious, 'utf8')).toBe('precious');
  });

  test('a link in the place of the repository is not entered', async () => {
    await mkdir(join(modelsDirectory, 'o'), { recursive: true });
    await symlink(home, join(modelsDirectory, 'o', 'r'));
    await expect(pull()).rejects.toMatchObject({ code: 'protected' });
    expect(await readdir(home)).toEqual(['models']);
  });
});

type Write = Awaited<ReturnType<Disk['openPart']>>['write'];

/** Writes as much as there is room, as a file system does, and then fails. */
function fullAfter(
  write: (bytes: Uint8Array, offset: number, length: number, at: number) => unknown,
  room: () => number,
): Write {
  const limited = (bytes: Uint8Array, offset: number, length: number, at: number) => {
    const fits = Math.min(length, room() - at);
    if (fits <= 0) return Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
    return write(bytes, offset, fits, at);
  };
  return limited as unknown as Write;
}

describe('who asks', () => {
  test('can stop; what came stays', async () => {
    const stop = new AbortController();
    hub.answers.push({ pause: { bytes: 2000, until: new Promise(() => undefined) } });
    const pulled = pull('hf:o/r', {
      signal: stop.signal,
      onEvent: (event) =>
        event.type === 'progress' && event.doneBytes === 2000 && stop.abort(new Error('enough')),
    });
    await expect(pulled).rejects.toThrow('enough');
    expect((await stat(part())).size).toBe(2000);
    expect(existsSync(`${part()}.lock`)).toBe(false);
  });

  test('twice at once: the second waits, says for whom, and fetches nothing', async () => {
    const go = Promise.withResolvers<void>();
    hub.answers.push({ pause: { bytes: 2000, until: go.promise } });
    const first = pull('hf:o/r', { idleMs: 20_000 });
    const second = pull('hf:o/r', {
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'waiting') go.resolve();
      },
    });
    await Promise.all([first, second]);
    expect(events).toContainEqual({
      type: 'waiting',
      file: 'm-Q4_K_M.gguf',
      writer: expect.stringMatching(/process|another/),
    });
    expect(hub.sentBytes).toBe(CONTENT.length);
    expect(await content()).toEqual(CONTENT);
  });
});
