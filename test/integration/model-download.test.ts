import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPulled } from '../../src/models/find-pulled.js';
import { readModelFiles } from '../../src/models/read-model-files.js';
import { sha256Of } from '../support/model-hub.js';
import {
  CONTENT,
  OTHER,
  content,
  events,
  freshHubForEachTest,
  hub,
  leaveBeginning,
  modelsDirectory,
  nameOf,
  part,
  pull,
  target,
} from './model-download-scene.js';

freshHubForEachTest();

describe('a model of a hub', () => {
  test('is fetched, checked, moved to its place, and not fetched again', async () => {
    const { path, bytes } = await pull();
    expect(path).toBe(target());
    expect(bytes).toBe(CONTENT.length);
    expect(await content()).toEqual(CONTENT);
    expect((await readdir(dirname(path))).toSorted()).toEqual(['m-Q4_K_M.gguf', 'm-Q4_K_M.gguf.json']);
    expect(events.at(-1)).toMatchObject({
      type: 'progress',
      doneBytes: CONTENT.length,
      totalBytes: CONTENT.length,
    });
    hub.forget();
    await pull();
    expect(hub.contentRequests).toEqual([]);
  });

  test('is fetched anew when the hub has another one', async () => {
    await pull();
    hub.files.set('m-Q4_K_M.gguf', { content: OTHER });
    await pull();
    expect(await content()).toEqual(OTHER);
  });

  test('of several files is fetched with all of them, whichever is named', async () => {
    const shards = [1, 2, 3].map((n) => `big-Q8_0-0000${n}-of-00003.gguf`);
    for (const shard of shards) hub.files.set(`Q8_0/${shard}`, { content: randomBytes(1000) });
    hub.filesPerPage = 2;
    const { path, paths, bytes } = await pull('hf:o/r/Q8_0/big-Q8_0-00002-of-00003.gguf@refs/pr/1');
    expect(path).toBe(join(modelsDirectory, 'o', 'r@refs@pr@1', 'Q8_0', shards[0] ?? ''));
    expect(paths).toHaveLength(3);
    expect(bytes).toBe(3000);
    expect(hub.requests[0]?.path).toBe('/api/models/o/r/tree/refs%2Fpr%2F1');
  });

  test('of several files is not whole while they are of two versions', async () => {
    const shards = [1, 2, 3].map((n) => `big-Q8_0-0000${n}-of-00003.gguf`);
    const publish = (shard: string) => hub.files.set(shard, { content: randomBytes(1000) });
    const found = () => findPulled(nameOf('hf:o/r:Q8_0'), modelsDirectory);
    for (const shard of shards) publish(shard);
    const { path } = await pull('hf:o/r:Q8_0');
    expect(await found()).toBe(path);
    // The second file stays as it is.
    for (const shard of [shards[0], shards[2]]) publish(shard ?? '');
    hub.answers.push({}, { status: 404 });
    await expect(pull('hf:o/r:Q8_0')).rejects.toMatchObject({ code: 'not_found' });
    expect(await found()).toBeUndefined();
    await expect(readModelFiles(path)).rejects.toMatchObject({
      message: expect.stringContaining('versions'),
    });
    hub.forget();
    await pull('hf:o/r:Q8_0');
    expect(hub.contentRequests).toHaveLength(1);
    expect(await found()).toBe(path);
  });

  test('that was fetched is found without the hub, by the names that it had', async () => {
    hub.files.set('m-Q8_0.gguf', { content: OTHER });
    await pull('hf:o/r:Q8_0');
    const found = (text: string) => findPulled(nameOf(text), modelsDirectory);
    expect(await found('hf:o/r:Q8_0')).toBe(join(modelsDirectory, 'o', 'r', 'm-Q8_0.gguf'));
    expect(await found('hf:o/r/m-Q8_0.gguf')).toBeDefined();
    // The bare name means Q4_K_M here, which is not there: the other one is no substitute.
    expect(await found('hf:o/r')).toBeUndefined();
    await pull('hf:o/r');
    expect(await found('hf:o/r')).toBe(target());
    await writeFile(target(), 'cut');
    expect(await found('hf:o/r')).toBeUndefined();
  });

  test('that somebody put there is taken if it is the one', async () => {
    await mkdir(dirname(target()), { recursive: true });
    await writeFile(target(), CONTENT);
    await pull();
    expect(hub.contentRequests).toEqual([]);
    expect(events).toContainEqual({ type: 'checking', file: 'm-Q4_K_M.gguf' });
    expect(await findPulled(nameOf('hf:o/r'), modelsDirectory)).toBe(target());
  });
});

describe('a connection that breaks', () => {
  test('goes on where it broke, again and again', async () => {
    hub.answers.push({ dropAfter: 100_000 }, { dropAfter: 1 }, { dropAfter: 50_000 }, { dropAfter: 10 });
    await pull();
    expect(await content()).toEqual(CONTENT);
    expect(hub.sentBytes).toBe(CONTENT.length);
    expect(hub.contentRequests.map(({ range }) => range)).toEqual([
      undefined,
      'bytes=100000-',
      'bytes=100001-',
      'bytes=150001-',
      'bytes=150011-',
    ]);
    expect(hub.contentRequests[1]?.ifRange).toBe(`"${sha256Of(CONTENT)}"`);
    expect(events.filter(({ type }) => type === 'retrying')).toHaveLength(4);
  });

  test('is given up after tries that bring nothing, and what came stays for the next time', async () => {
    hub.answers.push({ dropAfter: 1000 }, { dropAfter: 0 }, { dropAfter: 0 }, { dropAfter: 0 });
    await expect(pull()).rejects.toMatchObject({ code: 'hub_unreachable' });
    expect((await stat(part())).size).toBe(1000);
    hub.forget();
    hub.answers.length = 0;
    await pull();
    expect(hub.contentRequests.map(({ range }) => range)).toEqual(['bytes=1000-']);
    expect(await content()).toEqual(CONTENT);
  });

  test('is given up too where each try begins anew and ends at the same place', async () => {
    hub.answers.push(...Array.from({ length: 9 }, () => ({ dropAfter: 1000, ignoreRange: true as const })));
    await expect(pull()).rejects.toMatchObject({ code: 'hub_unreachable' });
    expect(hub.contentRequests.length).toBeLessThan(6);
  });

  test('that looks like an end is one that broke', async () => {
    hub.answers.push({ dropAfter: 5000, endless: true });
    await pull();
    expect(await content()).toEqual(CONTENT);
    expect(hub.sentBytes).toBe(CONTENT.length);
  });

  test('that stands still is given up and taken up', async () => {
    hub.answers.push({ pause: { bytes: 4000, until: new Promise(() => undefined) } });
    await pull('hf:o/r', { idleMs: 50 });
    expect(await content()).toEqual(CONTENT);
    expect(hub.contentRequests[1]?.range).toBe('bytes=4000-');
  });
});

describe('a file that is another one than before', () => {
  test('is fetched from its beginning where the hub knows If-Range', async () => {
    hub.answers.push({ dropAfter: 1000, etag: '"old"' });
    await pull();
    expect(hub.contentRequests[1]).toMatchObject({ range: 'bytes=1000-', ifRange: '"old"' });
    expect(await content()).toEqual(CONTENT);
  });

  test('is fetched from its beginning where the hub does not, and shows another tag', async () => {
    hub.answers.push({ dropAfter: 1000, etag: '"old"' }, { ignoreIfRange: true });
    await pull();
    expect(await content()).toEqual(CONTENT);
    expect(hub.contentRequests.map(({ range }) => range)).toEqual([undefined, 'bytes=1000-', undefined]);
  });

  test('is fetched from its beginning where the hub sends the whole', async () => {
    hub.answers.push({ dropAfter: 1000 }, { ignoreRange: true });
    await pull();
    expect(await content()).toEqual(CONTENT);
  });

  test('is not glued to a beginning of which nobody knows whose it is', async () => {
    hub.files.set('m-Q4_K_M.gguf', { content: CONTENT, listed: { sha256: undefined } });
    await leaveBeginning(OTHER.subarray(0, 1000), { sha256: undefined, etag: undefined });
    await pull();
    expect(hub.contentRequests[0]?.range).toBeUndefined();
    expect(await content()).toEqual(CONTENT);
  });

  test.each([
    ['of another checksum', { sha256: '0'.repeat(64) }],
    ['of another size', { size: 7 }],
    ['whose state is damaged', { writer: 'nobody' }],
  ])('a beginning %s is dropped', async (_, state) => {
    await leaveBeginning(OTHER.subarray(0, 1000), state);
    await pull();
    expect(hub.contentRequests[0]?.range).toBeUndefined();
    expect(await content()).toEqual(CONTENT);
  });

  test('a beginning that was damaged on the disk is found out by the checksum, and all is fetched once more', async () => {
    await leaveBeginning(OTHER.subarray(0, 1000));
    await pull();
    expect(hub.contentRequests.map(({ range }) => range)).toEqual(['bytes=1000-', undefined]);
    expect(await content()).toEqual(CONTENT);
  });

  test('a whole beginning is only checked', async () => {
    await leaveBeginning(CONTENT);
    await pull();
    expect(hub.contentRequests).toEqual([]);
    expect(await content()).toEqual(CONTENT);
  });
});
