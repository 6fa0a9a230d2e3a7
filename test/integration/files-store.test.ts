import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../src/files/blob-store.js';
import { type FileService, INLINE_BYTES } from '../../src/files/file.service.js';
import {
  collect,
  openFilesFixture,
  pseudoRandom,
  pseudoRandomBytes,
  type FilesFixture,
} from './files-fixture.js';

const MEBIBYTE = 1024 * 1024;
const facts = { owner: 'ann', name: 'a.bin', purpose: 'user_data' };

let fixture: FilesFixture;
beforeAll(async () => {
  fixture = await openFilesFixture({ GANTRY_MAX_UPLOAD_MB: '64' });
});
beforeEach(async () => {
  await fixture.dataSource.query('TRUNCATE sessions, blobs, files CASCADE');
});
afterAll(() => fixture.close());

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function untilOneWaitsForALock(): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(10)) {
    const waiting = await fixture.dataSource.query<unknown[]>(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
  }
  throw new Error('nobody waits for a lock');
}

describe('stored content', () => {
  it.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
    'of %i bytes comes back',
    async (size) => {
      const content = await pseudoRandomBytes(size);
      const file = await fixture.files.store({ ...facts, content: pseudoRandom(size, 7) });
      expect(file.bytes).toBe(String(size));
      expect(file.sha256.equals(createHash('sha256').update(content).digest())).toBe(true);
      expect((await fixture.files.readAll(file, size)).equals(content)).toBe(true);
      expect(await fixture.count('blobs')).toBe(1);
      expect(await fixture.count('blob_chunks')).toBe(Math.ceil(size / CHUNK_BYTES));
    },
  );

  it('is read by ranges, across pieces too', async () => {
    const content = await pseudoRandomBytes(3 * CHUNK_BYTES + 10);
    const file = await fixture.files.store({ ...facts, content });
    for (const [start, end] of [
      [0, 1],
      [CHUNK_BYTES - 1, CHUNK_BYTES + 1],
      [5, 2 * CHUNK_BYTES + 5],
      [3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 10],
    ] as const) {
      expect((await collect(fixture.files.open(file, start, end))).equals(content.subarray(start, end))).toBe(
        true,
      );
    }
  });

  it('is kept once, however many files have it and however it came', async () => {
    const content = await pseudoRandomBytes(2 * CHUNK_BYTES);
    const files = await Promise.all([
      ...Array.from({ length: 6 }, () =>
        fixture.files.store({ ...facts, content: pseudoRandom(2 * CHUNK_BYTES, 7) }),
      ),
      ...Array.from({ length: 6 }, () => fixture.files.store({ ...facts, content: Buffer.from('small') })),
      fixture.files.store({ ...facts, content }),
    ]);
    expect(new Set(files.map((file) => file.id)).size).toBe(13);
    expect(await fixture.count('blobs')).toBe(2);
    expect(await fixture.count('blob_chunks')).toBe(3);
  });

  it('goes with its last file, not before', async () => {
    const [one, other] = [
      await fixture.files.store({ ...facts, content: Buffer.from('same') }),
      await fixture.files.store({ ...facts, owner: 'bob', content: Buffer.from('same') }),
    ];
    await fixture.files.remove('ann', one.id);
    expect((await fixture.files.readAll(other, 10)).toString()).toBe('same');
    await fixture.files.remove('bob', other.id);
    expect([
      await fixture.count('blobs'),
      await fixture.count('blob_chunks'),
      await fixture.count('files'),
    ]).toEqual([0, 0, 0]);
  });

  it('survives storing and deleting the same content at once', async () => {
    const store = () => fixture.files.store({ ...facts, content: Buffer.from('contended') });
    for (let round = 0; round < 15; round += 1) {
      const before = await Promise.all([store(), store(), store()]);
      const [kept, , , , fresh] = await Promise.all([
        store(),
        ...before.map((file) => fixture.files.remove('ann', file.id)),
        store(),
      ]);
      expect((await fixture.files.readAll(kept, 20)).toString()).toBe('contended');
      if (typeof fresh === 'object')
        expect((await fixture.files.readAll(fresh, 20)).toString()).toBe('contended');
    }
    expect(await fixture.count('blobs')).toBe(1);
  });

  it('is held from its commit to the end of the transaction, and then kept', async () => {
    const old = await fixture.files.store({ ...facts, content: Buffer.from('held') });
    const committed = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const storing = fixture.dataSource.transaction(async (manager) => {
      await fixture.blobs.commit(manager, await fixture.blobs.stage(Buffer.from('held'), 10));
      committed.resolve();
      await gate.promise;
      return fixture.files.store({ ...facts, content: Buffer.from('held') }, manager);
    });
    await committed.promise;
    const removing = fixture.files.remove('ann', old.id);
    await untilOneWaitsForALock().finally(gate.resolve);
    await removing;
    expect((await fixture.files.readAll(await storing, 10)).toString()).toBe('held');
  });

  it('is told when it is deleted while it is read', async () => {
    const file = await fixture.files.store({ ...facts, content: pseudoRandom(3 * CHUNK_BYTES, 7) });
    const reader = fixture.files.open(file);
    await reader.next();
    await fixture.files.remove('ann', file.id);
    await expect(reader.next()).rejects.toMatchObject({ code: 'not_found', reason: 'file_not_found' });
  });

  it('of 48 MB passes through in little memory, both ways', async () => {
    const size = 48 * MEBIBYTE;
    const hash = createHash('sha256');
    let highest = 0;
    const measure = () => {
      collectGarbage();
      highest = Math.max(highest, process.memoryUsage().arrayBuffers);
    };
    async function* watched() {
      let pieces = 0;
      for await (const piece of pseudoRandom(size, 3)) {
        hash.update(piece);
        yield piece;
        pieces += 1;
        if (pieces % 20 === 0) measure();
      }
    }
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    const file = await fixture.files.store({ ...facts, content: watched() });
    const digest = hash.digest();
    const back = createHash('sha256');
    for await (const piece of fixture.files.open(file)) {
      back.update(piece);
      measure();
    }
    expect(file.sha256.equals(digest)).toBe(true);
    expect(back.digest().equals(digest)).toBe(true);
    expect(highest - before).toBeLessThan(24 * MEBIBYTE);
  });
});

describe('files', () => {
  it('are not there for others', async () => {
    const file = await fixture.files.store({ ...facts, content: Buffer.from('x') });
    for (const [owner, id] of [
      ['bob', file.id],
      ['ann', 'file_none'],
      ['ann', `${file.id}'`],
    ] as const) {
      await expect(fixture.files.requireReadable(owner, id)).rejects.toMatchObject({ code: 'not_found' });
      await expect(fixture.files.remove(owner, id)).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  it('carry their body up to 8 MiB, and a preview of whole characters', async () => {
    const text = 'é'.repeat(1000);
    const stored = await fixture.files.store({ ...facts, name: 'a.md', content: Buffer.from(text) });
    expect(await fixture.files.toObject(stored, { inline: true })).toMatchObject({
      text,
      preview: 'é'.repeat(512),
      format: 'md',
    });
    const bare = await fixture.files.toObject(stored, { inline: false });
    expect(bare).toMatchObject({ preview: 'é'.repeat(512), mime_type: 'text/markdown', bytes: 2000 });
    expect(bare).not.toHaveProperty('text');

    const limit = await fixture.files.store({ ...facts, content: pseudoRandom(INLINE_BYTES, 1) });
    const object = await fixture.files.toObject(limit, { inline: true });
    expect(Buffer.from(object.data_base64 ?? '', 'base64').length).toBe(INLINE_BYTES);
    const over = await fixture.files.store({ ...facts, content: pseudoRandom(INLINE_BYTES + 1, 1) });
    expect(await fixture.files.toObject(over, { inline: true })).not.toHaveProperty('data_base64');
    const overText = await fixture.files.store({ ...facts, content: Buffer.alloc(INLINE_BYTES + 1, 'x') });
    expect((await fixture.files.toObject(overText, { inline: true })).preview).toBe('x'.repeat(1024));
  });

  it('are listed newest first, a page at a time', async () => {
    const sessionId = await fixture.insertSession('ann');
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const content = Buffer.from(String(index));
      const where = index % 2 === 0 ? { sessionId } : {};
      ids.unshift((await fixture.files.store({ ...facts, ...where, content })).id);
    }
    await fixture.files.store({ ...facts, owner: 'bob', content: Buffer.from('bob') });
    const pageOf = async (owner: string, page: Omit<Parameters<FileService['list']>[1], 'order'>) => {
      const { files, hasMore } = await fixture.files.list(owner, { order: 'desc', ...page });
      return { ids: files.map((file) => file.id), hasMore };
    };
    expect(await pageOf('ann', { limit: 2 })).toEqual({ ids: ids.slice(0, 2), hasMore: true });
    expect(await pageOf('ann', { limit: 3, after: ids[1] })).toEqual({ ids: ids.slice(2), hasMore: false });
    expect((await pageOf('ann', { limit: 9, sessionId })).ids).toEqual([ids[0], ids[2], ids[4]]);
    expect((await pageOf('ann', { limit: 9, purpose: 'other' })).ids).toEqual([]);
  });
});
