import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CHUNK_BYTES } from '../../src/files/blob-store.js';
import { LeftoverContent } from '../../src/files/leftover-content.js';
import { openFilesFixture, pseudoRandom, pseudoRandomBytes, type FilesFixture } from './files-fixture.js';

const MEBIBYTE = 1024 * 1024;
const facts = { owner: 'ann', name: 'a.bin', purpose: 'user_data' };

let fixture: FilesFixture;
beforeAll(async () => {
  fixture = await openFilesFixture({ GANTRY_MAX_UPLOAD_MB: '64' });
});
beforeEach(async () => {
  await fixture.dataSource.query('TRUNCATE sessions, blobs, files CASCADE');
});
afterEach(() => vi.useRealTimers());
afterAll(() => fixture.close());

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('limits', () => {
  it.each([
    ['too_large', { GANTRY_MAX_UPLOAD_MB: '3' }],
    ['storage_full', { GANTRY_MAX_UPLOAD_MB: '64', GANTRY_STORAGE_LIMIT_MB: '3' }],
  ])(
    'refuse content without end as %s, while it is being read, and leave nothing',
    async (code, environment) => {
      let read = 0;
      async function* endless() {
        for (;;) {
          read += 1;
          yield Buffer.alloc(100_000, read);
        }
      }
      const { files } = fixture.under(environment);
      await expect(files.store({ ...facts, content: endless() })).rejects.toMatchObject({ code });
      expect(read).toBeLessThan(50);
      expect(await fixture.count('blobs')).toBe(0);
    },
  );

  it('refuse what does not fit into the storage, small or large, and leave nothing', async () => {
    const { files } = fixture.under({ GANTRY_STORAGE_LIMIT_MB: '3' });
    const kept = await files.store({ ...facts, content: pseudoRandom(2 * MEBIBYTE + 1000, 1) });
    await expect(files.store({ ...facts, content: pseudoRandom(2 * MEBIBYTE, 2) })).rejects.toMatchObject({
      code: 'storage_full',
    });
    await expect(files.store({ ...facts, content: await pseudoRandomBytes(MEBIBYTE) })).rejects.toMatchObject(
      {
        code: 'storage_full',
      },
    );
    expect([await fixture.count('blobs'), await fixture.count('files')]).toEqual([1, 1]);
    await files.store({ ...facts, content: Buffer.from('fits') });
    await files.remove('ann', kept.id);
    await files.store({ ...facts, content: pseudoRandom(2 * MEBIBYTE, 2) });
  });

  it('hold for one session, whoever shares its content, and not for others', async () => {
    const { files } = fixture.under({ GANTRY_SESSION_STORAGE_MB: '2' });
    const [sessionId, other] = [await fixture.insertSession('ann'), await fixture.insertSession('ann')];
    const content = await pseudoRandomBytes(MEBIBYTE);
    const first = await files.store({ ...facts, sessionId, content });
    await files.store({ ...facts, sessionId, content });
    const refused = { code: 'storage_full', reason: 'session_storage_full' };
    await expect(files.store({ ...facts, sessionId, content: Buffer.from('x') })).rejects.toMatchObject(
      refused,
    );
    const upload = await files.store({ ...facts, content: Buffer.from('an upload') });
    const take = () =>
      fixture.dataSource.transaction((manager) => files.duplicate(manager, upload, { ...facts, sessionId }));
    await expect(take()).rejects.toMatchObject(refused);
    await files.store({ ...facts, sessionId: other, content });
    await files.remove('ann', first.id);
    await take();
    expect(await fixture.count('files')).toBe(4);
  });

  it('take content that is there already, even when nothing else fits', async () => {
    const content = await pseudoRandomBytes(MEBIBYTE);
    await fixture.files.store({ ...facts, content });
    const { files } = fixture.under({ GANTRY_STORAGE_LIMIT_MB: '1' });
    await expect(files.store({ ...facts, content: Buffer.from('other') })).rejects.toMatchObject({
      code: 'storage_full',
    });
    await expect(files.store({ ...facts, content })).resolves.toMatchObject({ name: 'a.bin' });
  });
});

describe('a full disk', () => {
  beforeEach(async () => {
    await fixture.dataSource.query(`CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`);
    await fixture.dataSource.query(`CREATE TRIGGER fill_disk BEFORE INSERT ON blob_chunks
      FOR EACH ROW EXECUTE FUNCTION fill_disk()`);
  });
  afterEach(async () => {
    await fixture.dataSource.query('DROP TRIGGER IF EXISTS fill_disk ON blob_chunks');
    await fixture.dataSource.query('DROP FUNCTION IF EXISTS fill_disk');
  });

  it.each([1000, 3 * CHUNK_BYTES])(
    'is storage_full for %i bytes, without the content in the error, and passes',
    async (size) => {
      const error = await failure(fixture.files.store({ ...facts, content: pseudoRandom(size, 5) }));
      expect(error).toMatchObject({ code: 'storage_full', cause: { code: '53100' } });
      expect(error).not.toHaveProperty('cause.parameters');
      expect([await fixture.count('blobs'), await fixture.count('files')]).toEqual([0, 0]);
      await fixture.dataSource.query('DROP TRIGGER fill_disk ON blob_chunks');
      await expect(fixture.files.store({ ...facts, content: pseudoRandom(size, 5) })).resolves.toBeDefined();
    },
  );
});

describe('what a failure leaves', () => {
  it('is nothing when the sender goes away', async () => {
    async function* broken() {
      yield* pseudoRandom(3 * MEBIBYTE, 1);
      throw new Error('sender gone');
    }
    await expect(fixture.files.store({ ...facts, content: broken() })).rejects.toThrow('sender gone');
    expect([await fixture.count('blobs'), await fixture.count('blob_chunks')]).toEqual([0, 0]);
  });

  it('is nothing when the row cannot be written', async () => {
    const orphan = { ...facts, sessionId: 'sess_none', content: pseudoRandom(3 * MEBIBYTE, 1) };
    await expect(fixture.files.store(orphan)).rejects.toThrow(/foreign key/);
    expect([await fixture.count('blobs'), await fixture.count('blob_chunks')]).toEqual([0, 0]);
  });

  it('is nothing when the transaction around it is rolled back', async () => {
    const work = fixture.dataSource.transaction(async (manager) => {
      await fixture.files.store({ ...facts, content: pseudoRandom(3 * MEBIBYTE, 1) }, manager);
      throw new Error('rolled back');
    });
    await expect(work).rejects.toThrow('rolled back');
    expect([await fixture.count('blobs'), await fixture.count('files')]).toEqual([0, 0]);
  });

  it('is collected after an hour when the process died, by the server that runs then', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const leftovers = new LeftoverContent(fixture.blobs);
    await fixture.blobs.stage(pseudoRandom(2 * MEBIBYTE, 1), 10 * MEBIBYTE);
    await leftovers.onApplicationBootstrap();
    expect(await fixture.count('blobs')).toBe(1);
    await fixture.dataSource.query(`UPDATE blobs SET created_at = now() - interval '61 minutes'`);
    vi.advanceTimersToNextTimer();
    await leftovers.onModuleDestroy();
    expect([await fixture.count('blobs'), await fixture.count('blob_chunks')]).toEqual([0, 0]);
  });

  it('is collected at a start too', async () => {
    await fixture.blobs.stage(pseudoRandom(2 * MEBIBYTE, 1), 10 * MEBIBYTE);
    await fixture.dataSource.query(`UPDATE blobs SET created_at = now() - interval '61 minutes'`);
    const leftovers = new LeftoverContent(fixture.blobs);
    await leftovers.onApplicationBootstrap();
    await leftovers.onModuleDestroy();
    expect(await fixture.count('blobs')).toBe(0);
  });

  it('is collected from sessions that were deleted', async () => {
    const sessionId = await fixture.insertSession('ann');
    const kept = await fixture.files.store({ ...facts, content: Buffer.from('shared') });
    await fixture.files.store({ ...facts, sessionId, content: Buffer.from('shared') });
    await fixture.files.store({ ...facts, sessionId, content: Buffer.from('own') });
    await fixture.dataSource.query('DELETE FROM sessions WHERE id = $1', [sessionId]);
    expect(await fixture.blobs.removeAllUnreferenced()).toBe(1);
    expect((await fixture.files.readAll(kept, 10)).toString()).toBe('shared');
  });
});
