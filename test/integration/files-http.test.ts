import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingFile, type FileMetadata } from '../../src/files/file-object.js';
import { FileService } from '../../src/files/file.service.js';
import { FilesHttpModule } from '../../src/files/files-http.module.js';
import { newId } from '../../src/ids.js';
import { collect, pseudoRandom } from './files-fixture.js';
import { startTestApp, type TestApp } from './http-api-app.js';

const MEBIBYTE = 1024 * 1024;
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ modules: [FilesHttpModule], environment: { GANTRY_MAX_UPLOAD_MB: '4' } });
});
afterAll(() => app.close());

type Fields = Readonly<Record<string, string>>;

async function send(content: Uint8Array | string, name: string, fields: Fields = {}, key = app.keys.alice) {
  const form = new FormData();
  form.append('file', new Blob([Buffer.from(content)]), name);
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  return request('/v1/files', { method: 'POST', body: form }, key);
}

async function upload(
  content: Uint8Array | string,
  name: string,
  fields: Fields = {},
): Promise<FileMetadata> {
  const response = await send(content, name, fields);
  expect(response.status).toBe(200);
  return (await response.json()) as FileMetadata;
}

function request(path: string, init: RequestInit = {}, key = app.keys.alice): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${key}`);
  return fetch(app.url + path, { ...init, headers });
}

interface ErrorBody {
  readonly error: { readonly code: string; readonly param: string | null; readonly message: string };
}

async function errorOf(response: Response): Promise<{ status: number; code: string; param: string | null }> {
  const { error } = (await response.json()) as ErrorBody;
  expect(error.message).not.toBe('');
  return { status: response.status, code: error.code, param: error.param };
}

async function count(table: string): Promise<number> {
  const [row] = await app.dataSource.query<{ count: number }[]>(
    `SELECT count(*)::int AS count FROM ${table}`,
  );
  return row?.count ?? -1;
}

describe('an upload', () => {
  it('becomes a file with OpenAI’s fields and ours', async () => {
    const before = Math.floor(Date.now() / 1000);
    const file = await upload('a,b\n1,2\n', 'table.csv', { purpose: 'assistants' });
    expect(file).toEqual({
      id: expect.stringMatching(/^file_[0-9a-f]{32}$/) as string,
      object: 'file',
      bytes: 8,
      created_at: expect.any(Number) as number,
      filename: 'table.csv',
      name: 'table.csv',
      purpose: 'assistants',
      status: 'processed',
      format: 'csv',
      mime_type: 'text/csv',
      sha256: createHash('sha256').update('a,b\n1,2\n').digest('hex'),
    });
    expect(file.created_at).toBeGreaterThanOrEqual(before);
    expect((await upload('x', 'x.txt')).purpose).toBe('user_data');
    expect(await (await request(`/v1/files/${file.id}`)).json()).toEqual(file);
  });

  it('of several pieces comes back whole', async () => {
    const content = await collect(pseudoRandom(3 * MEBIBYTE + 17, 4));
    const file = await upload(content, 'a.bin');
    const back = Buffer.from(await (await request(`/v1/files/${file.id}/content`)).arrayBuffer());
    expect(back.equals(content)).toBe(true);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\temp\\x.txt', 'x.txt'],
    ['a\r\nset-cookie: x=1.txt', 'a__set-cookie: x=1.txt'],
    ['invoice\u202Egpj.exe', 'invoice_gpj.exe'],
    ['数据 "1".csv', '数据 "1".csv'],
    [`${'n'.repeat(300)}.txt`, `${'n'.repeat(251)}.txt`],
    ['..', 'file'],
  ])('called %j is shown as %j', async (given, shown) => {
    const file = await upload('x', given);
    expect(file.filename).toBe(shown);
    const response = await request(`/v1/files/${file.id}/content`);
    expect(response.headers.get('content-disposition')).toContain(`filename*=UTF-8''`);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it('may have a name that is not UTF-8', async () => {
    const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a';
    const body = Buffer.concat([
      Buffer.from(head),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('.txt"\r\n\r\nhi\r\n--b--\r\n'),
    ]);
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const response = await request('/v1/files', { method: 'POST', body, headers });
    expect(response.status).toBe(200);
    expect((await response.json()) as FileMetadata).toMatchObject({ bytes: 2, name: 'a\uFFFD\uFFFD.txt' });
  });

  it('goes into a session of the same owner, and no other', async () => {
    const sessionId = newId('sess');
    await app.dataSource.query('INSERT INTO sessions (id, owner) VALUES ($1, $2)', [sessionId, 'alice']);
    const file = await upload('x', 'notes.txt', { session_id: sessionId });
    expect(file.session_id).toBe(sessionId);
    const entries = await app.dataSource.query(
      'SELECT path, file_id FROM workspace_entries WHERE session_id = $1',
      [sessionId],
    );
    expect(entries).toEqual([{ path: 'notes.txt', file_id: file.id }]);
    const files = await count('files');
    const refused = await errorOf(await send('x', 'a.txt', { session_id: sessionId }, app.keys.bob));
    expect(refused).toEqual({ status: 404, code: 'session_not_found', param: 'session_id' });
    expect(await count('files')).toBe(files);
  });

  it('that is too large is refused and leaves nothing, whether it says its size or not', async () => {
    const blobs = await count('blobs');
    const content = Buffer.alloc(4 * MEBIBYTE + 1, 'x');
    expect((await errorOf(await send(content, 'a.txt'))).status).toBe(413);
    const declared = await send(Buffer.alloc(5 * MEBIBYTE), 'a.txt').then(errorOf, () => ({ status: 413 }));
    expect(declared.status).toBe(413);
    const form = new FormData();
    form.append('file', new Blob([Buffer.alloc(6 * MEBIBYTE, 'y')]), 'a.txt');
    const { body, headers } = new Response(form);
    const chunked = await request('/v1/files', {
      method: 'POST',
      body,
      headers: { 'content-type': headers.get('content-type') ?? '' },
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
    expect(await count('blobs')).toBe(blobs);
  });

  it('of exactly the limit is taken', async () => {
    expect((await upload(Buffer.alloc(4 * MEBIBYTE, 'z'), 'a.txt')).bytes).toBe(4 * MEBIBYTE);
  });

  it('that breaks off leaves nothing', async () => {
    const blobs = await count('blobs');
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(
      `POST /v1/files HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${app.keys.alice}\r\n` +
        'content-type: multipart/form-data; boundary=b\r\ncontent-length: 4000000\r\n\r\n' +
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n',
    );
    socket.write(Buffer.alloc(2 * MEBIBYTE + 5, 'q'));
    await until(async () => (await count('blobs')) > blobs);
    socket.destroy();
    await until(async () => (await count('blobs')) === blobs);
  });

  it.each([
    ['no file', () => new FormData(), 'missing_file'],
    ['a file field of text', () => formOf({ file: 'text' }), undefined],
    ['an unknown field', () => formOf({ expires_after: '1' }), undefined],
  ])('with %s is a bad request, and leaves nothing', async (_, form, code) => {
    const blobs = await count('blobs');
    const error = await errorOf(await request('/v1/files', { method: 'POST', body: form() }));
    expect(error.status).toBe(400);
    if (code !== undefined) expect(error.code).toBe(code);
    expect(await count('blobs')).toBe(blobs);
  });

  it('with a bad field beside a large file leaves nothing', async () => {
    const blobs = await count('blobs');
    const response = await send(await collect(pseudoRandom(2 * MEBIBYTE, 77)), 'a.bin', {
      purpose: 'no such purpose!',
    });
    expect(await errorOf(response)).toMatchObject({ status: 400, param: 'purpose' });
    await until(async () => (await count('blobs')) === blobs);
  });

  it.each(['--b', '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nno end'])(
    'that is no proper form is a bad request: %j',
    async (body) => {
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      expect((await request('/v1/files', { method: 'POST', body, headers })).status).toBe(400);
    },
  );

  it('needs a key', async () => {
    expect((await send('x', 'a.txt', {}, 'wrong')).status).toBe(401);
  });
});

function formOf(fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition()); await delay(20)) {
    if (Date.now() > deadline) throw new Error('not within 10 s');
  }
}

describe('content', () => {
  it('is served with ranges, validators and no way to act', async () => {
    const file = await upload('0123456789', 'page.html');
    const path = `/v1/files/${file.id}/content`;
    const response = await request(path);
    expect(await response.text()).toBe('0123456789');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag: `"${file.sha256}"`,
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '10',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'content-disposition': `attachment; filename="page.html"; filename*=UTF-8''page.html`,
      'cache-control': 'private, max-age=31536000, immutable',
    });
    const part = await request(path, { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ]);
    const tail = await request(path, { headers: { range: 'bytes=-3' } });
    expect([tail.status, await tail.text()]).toEqual([206, '789']);
    const beyond = await request(path, { headers: { range: 'bytes=10-' } });
    expect([beyond.status, beyond.headers.get('content-range'), await beyond.text()]).toEqual([
      416,
      'bytes */10',
      '',
    ]);
    const known = await request(path, { headers: { 'if-none-match': `"${file.sha256}"` } });
    expect([known.status, await known.text()]).toEqual([304, '']);
    const changed = await request(path, { headers: { range: 'bytes=2-4', 'if-range': '"other"' } });
    expect([changed.status, await changed.text()]).toEqual([200, '0123456789']);
  });

  it('answers HEAD without a body', async () => {
    const file = await upload(Buffer.from(PNG, 'base64'), 'pixel.png');
    const response = await request(`/v1/files/${file.id}/content`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(response.headers.get('content-length')).toBe(String(file.bytes));
    expect(await response.text()).toBe('');
  });

  it('of nothing is an empty answer', async () => {
    const file = await upload('', 'empty.txt');
    const response = await request(`/v1/files/${file.id}/content`);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

describe('files of others', () => {
  it('are not there', async () => {
    const file = await upload('secret', 'a.txt');
    for (const [path, method] of [
      ['', 'GET'],
      ['/content', 'GET'],
      ['', 'DELETE'],
    ] as const) {
      const theirs = await errorOf(await request(`/v1/files/${file.id}${path}`, { method }, app.keys.bob));
      const unknown = await errorOf(await request(`/v1/files/file_none${path}`, { method }, app.keys.bob));
      expect(theirs).toEqual(unknown);
      expect(theirs).toMatchObject({ status: 404, code: 'file_not_found' });
    }
    expect((await request(`/v1/files/${file.id}`)).status).toBe(200);
    const list = (await (await request('/v1/files', {}, app.keys.bob)).json()) as { data: unknown[] };
    expect(list.data).toEqual([]);
  });
});

describe('the list and deletion', () => {
  it('page through what is there', async () => {
    const own = { purpose: 'paging' };
    const ids = [];
    for (const name of ['1', '2', '3']) ids.unshift((await upload(name, name, own)).id);
    const first = await (await request('/v1/files?purpose=paging&limit=2')).json();
    expect(first).toMatchObject({ object: 'list', first_id: ids[0], last_id: ids[1], has_more: true });
    const second = (await (await request(`/v1/files?purpose=paging&limit=2&after=${ids[1]}`)).json()) as {
      data: FileMetadata[];
    };
    expect(second).toMatchObject({ first_id: ids[2], has_more: false });
    expect(second.data.map((file) => file.id)).toEqual([ids[2]]);
    const deleted = await request(`/v1/files/${ids[0]}`, { method: 'DELETE' });
    expect(await deleted.json()).toEqual({ id: ids[0], object: 'file', deleted: true });
    expect((await request(`/v1/files/${ids[0]}`)).status).toBe(404);
    expect((await request(`/v1/files/${ids[0]}`, { method: 'DELETE' })).status).toBe(404);
  });

  it.each(['limit=0', 'limit=x', 'limit=100000', 'colour=red'])('refuse %s', async (query) => {
    expect((await errorOf(await request(`/v1/files?${query}`))).status).toBe(400);
  });
});

describe('file events', () => {
  it('get their bodies when they are read, as far as a batch carries', async () => {
    const sessionId = newId('sess');
    await app.dataSource.query('INSERT INTO sessions (id, owner) VALUES ($1, $2)', [sessionId, 'alice']);
    const files = app.get(FileService);
    const facts = { owner: 'alice', sessionId, purpose: 'agent_output' };
    const small = await files.store({ ...facts, name: 'a.txt', content: Buffer.from('hello') });
    const large = await files.store({ ...facts, name: 'b.bin', content: pseudoRandom(4 * MEBIBYTE, 9) });
    const placeholder = missingFile('c', { code: 'not_produced', message: 'none' });
    const objects = [await files.toObject(small, { inline: false }), placeholder];
    for (let index = 0; index < 10; index += 1) objects.push(await files.toObject(large, { inline: false }));
    await app.log.transaction((_manager, append) =>
      append(
        sessionId,
        null,
        objects.map((file) => ({ type: 'file' as const, file })),
      ),
    );
    const events = await app.log.read(sessionId, 0, 100);
    expect(events.map((event) => event.seq)).toEqual(objects.map((_, index) => index + 1));
    const bodies = events.flatMap((event) => (event.type === 'file' ? [event.file] : []));
    expect(bodies[0]).toMatchObject({ id: small.id, text: 'hello' });
    expect(bodies[1]).toEqual(placeholder);
    expect(bodies.filter((body) => body.data_base64 !== undefined).length).toBe(7);
    await files.remove('alice', small.id);
    const [first] = await app.log.read(sessionId, 0, 1);
    expect(first).toMatchObject({ file: { id: small.id, preview: 'hello' } });
  });
});
