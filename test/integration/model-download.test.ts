import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Disk, REAL_DISK } from '../../src/models/disk.js';
import { findPulled } from '../../src/models/find-pulled.js';
import { type HubName, parseModelName } from '../../src/models/model-name.js';
import type { PullEvent } from '../../src/models/pull-event.js';
import { pullModel, type PullOptions } from '../../src/models/pull-model.js';
import { ModelHub, sha256Of } from '../support/model-hub.js';

const CONTENT = randomBytes(300_000);
const OTHER = randomBytes(300_000);
const QUICK = { attempts: 3, firstDelayMs: 1, longestDelayMs: 5 };

let hub: ModelHub;
let home: string;
let modelsDirectory: string;
let events: PullEvent[];

beforeEach(async () => {
  hub = await ModelHub.start();
  hub.files.set('m-Q4_K_M.gguf', { content: CONTENT });
  home = await mkdtemp(join(tmpdir(), 'gantry-pull-'));
  modelsDirectory = join(home, 'models');
  events = [];
});
afterEach(async () => {
  await hub.stop();
  await rm(home, { recursive: true, force: true });
});

function nameOf(text: string): HubName {
  return parseModelName(text) as HubName;
}

function pull(text = 'hf:o/r:Q4_K_M', options: Partial<PullOptions> = {}) {
  return pullModel(nameOf(text), {
    modelsDirectory,
    hub: { endpoint: hub.endpoint },
    retry: QUICK,
    idleMs: 500,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

const target = () => join(modelsDirectory, 'o', 'r', 'm-Q4_K_M.gguf');
const part = () => `${target()}.part`;
const content = () => readFile(target());

/** A beginning of the file with the state that belongs to it, as a killed process leaves it. */
async function leaveBeginning(bytes: Buffer, state: Record<string, unknown> = {}): Promise<void> {
  await mkdir(dirname(target()), { recursive: true });
  await writeFile(part(), bytes);
  const etag = `"${sha256Of(CONTENT)}"`;
  const writer = { pid: 1, host: 'elsewhere' };
  const whole = { size: CONTENT.length, sha256: sha256Of(CONTENT), etag, writer, ...state };
  await writeFile(`${part()}.json`, JSON.stringify(whole));
}

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

describe('a hub that lies', () => {
  test('about the checksum: nothing of it is kept', async () => {
    hub.files.set('m-Q4_K_M.gguf', { content: CONTENT, listed: { sha256: sha256Of(OTHER) } });
    await expect(pull()).rejects.toMatchObject({ code: 'checksum_mismatch' });
    expect(existsSync(target())).toBe(false);
    expect(existsSync(part())).toBe(false);
  });

  test.each([
    ['less', 299_000],
    ['more', 301_000],
  ])('about the size, which is %s', async (_, bytes) => {
    hub.files.set('m-Q4_K_M.gguf', { content: CONTENT, listed: { bytes, sha256: sha256Of(CONTENT) } });
    await expect(pull()).rejects.toMatchObject({ code: 'size_mismatch' });
    hub.answers.push({ endless: true }, { endless: true }, { endless: true }, { endless: true });
    await expect(pull()).rejects.toMatchObject({
      code: expect.stringMatching(/size_mismatch|hub_unreachable/),
    });
    expect(existsSync(target())).toBe(false);
  });

  test('about paths: what would leave the folder is not there', async () => {
    for (const path of [
      '../evil-Q8_0.gguf',
      '/etc/evil-Q8_0.gguf',
      'a/../../evil-Q8_0.gguf',
      '.ssh/evil-Q8_0.gguf',
    ])
      hub.files.set(path, { content: OTHER });
    await expect(pull('hf:o/r:Q8_0')).rejects.toMatchObject({
      code: 'unknown_variant',
      message: expect.not.stringContaining('evil'),
    });
  });

  test.each(['no json', '{"error":"x"}', '[{"type":"file","path":"m.gguf","size":-1}]'])(
    'with a list that is none: %s',
    async (text) => {
      hub.listAnswers.push({ content: Buffer.from(text) });
      await expect(pull()).rejects.toMatchObject({ code: 'hub_answer' });
    },
  );

  test('with an encoding that nobody asked for', async () => {
    hub.answers.push({ headers: { 'content-encoding': 'br' } });
    await expect(pull()).rejects.toMatchObject({ code: 'hub_answer' });
  });
});

describe('a hub that refuses', () => {
  test.each([
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not_found'],
  ])('%i is final: %s', async (status, code) => {
    hub.listAnswers.push({ status });
    await expect(pull()).rejects.toMatchObject({ code });
    expect(hub.requests).toHaveLength(1);
    hub.answers.push({ status });
    await expect(pull()).rejects.toMatchObject({ code });
    expect(hub.contentRequests).toHaveLength(1);
  });

  test.each([429, 500, 503])('%i is tried again', async (status) => {
    hub.listAnswers.push({ status, headers: { 'retry-after': '0' } });
    hub.answers.push({ status }, { dropAfter: 500 }, { status });
    await pull();
    expect(await content()).toEqual(CONTENT);
  });

  test('is given up in the end, and nobody is left waiting', async () => {
    hub.listAnswers.push(...Array.from({ length: 9 }, () => ({ status: 500 })));
    await expect(pull()).rejects.toMatchObject({ code: 'hub_answer' });
    expect(hub.requests).toHaveLength(3);
  });
});

describe('the token', () => {
  const token = 'hf_secret';

  test('goes to the hub and not to where it redirects, also not on the way back', async () => {
    const elsewhere = await ModelHub.start();
    elsewhere.files.set('m-Q4_K_M.gguf', { content: CONTENT });
    const place = '/o/r/resolve/main/m-Q4_K_M.gguf';
    hub.answers.push({ status: 302, headers: { location: `${elsewhere.endpoint}${place}` } });
    elsewhere.answers.push({ status: 302, headers: { location: `${hub.endpoint}${place}` } });
    try {
      await pull('hf:o/r', { hub: { endpoint: `${hub.endpoint}/`, token } });
      expect(elsewhere.requests.map(({ authorization }) => authorization)).toEqual([undefined]);
      expect(hub.requests.map(({ authorization }) => authorization)).toEqual([
        `Bearer ${token}`,
        `Bearer ${token}`,
        undefined,
      ]);
      expect(await content()).toEqual(CONTENT);
    } finally {
      await elsewhere.stop();
    }
  });

  test.each(['file:///etc/passwd', 'gopher://x/', 'http://[bad'])(
    'a redirect to %s is refused',
    async (location) => {
      hub.answers.push({ status: 302, headers: { location } });
      await expect(pull('hf:o/r', { hub: { endpoint: hub.endpoint, token } })).rejects.toMatchObject({
        code: 'hub_answer',
      });
    },
  );

  test('redirects without end have one', async () => {
    hub.answers.push(...Array.from({ length: 9 }, () => ({ status: 302, headers: { location: '/again' } })));
    await expect(pull()).rejects.toMatchObject({
      code: 'hub_answer',
      message: expect.stringContaining('5 times'),
    });
  });
});

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
