import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileMetadata } from '../../src/files/file-object.js';
import { FilesHttpModule } from '../../src/files/files-http.module.js';
import { newId } from '../../src/ids.js';
import { until } from '../support/until.js';
import { errorOf, FilesClient, formOf } from './files-client.js';
import { collect, pseudoRandom } from './files-fixture.js';
import { startTestApp, type TestApp } from './http-api-app.js';

const MEBIBYTE = 1024 * 1024;

let app: TestApp;
let client: FilesClient;
beforeAll(async () => {
  app = await startTestApp({ modules: [FilesHttpModule], environment: { GANTRY_MAX_UPLOAD_MB: '4' } });
  client = new FilesClient(app);
});
afterAll(() => app.close());

async function count(table: string): Promise<number> {
  const [row] = await app.dataSource.query<{ count: number }[]>(
    `SELECT count(*)::int AS count FROM ${table}`,
  );
  return row?.count ?? -1;
}

describe('an upload', () => {
  it('becomes a file with OpenAI’s fields and ours', async () => {
    const before = Math.floor(Date.now() / 1000);
    const file = await client.upload('a,b\n1,2\n', 'table.csv', { purpose: 'assistants' });
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
    expect((await client.upload('x', 'x.txt')).purpose).toBe('user_data');
    expect(await (await client.request(`/v1/files/${file.id}`)).json()).toEqual(file);
  });

  it('of several pieces comes back whole', async () => {
    const content = await collect(pseudoRandom(3 * MEBIBYTE + 17, 4));
    const file = await client.upload(content, 'a.bin');
    const back = Buffer.from(await (await client.request(`/v1/files/${file.id}/content`)).arrayBuffer());
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
    const file = await client.upload('x', given);
    expect(file.filename).toBe(shown);
    const response = await client.request(`/v1/files/${file.id}/content`);
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
    const response = await client.request('/v1/files', { method: 'POST', body, headers });
    expect(response.status).toBe(200);
    expect((await response.json()) as FileMetadata).toMatchObject({ bytes: 2, name: 'a\uFFFD\uFFFD.txt' });
  });

  it('goes into a session of the same owner, and no other', async () => {
    const sessionId = newId('sess');
    await app.dataSource.query('INSERT INTO sessions (id, owner) VALUES ($1, $2)', [sessionId, 'alice']);
    const file = await client.upload('x', 'notes.txt', { session_id: sessionId });
    expect(file.session_id).toBe(sessionId);
    const entries = await app.dataSource.query(
      'SELECT path, file_id FROM workspace_entries WHERE session_id = $1',
      [sessionId],
    );
    expect(entries).toEqual([{ path: 'notes.txt', file_id: file.id }]);
    const files = await count('files');
    const refused = await errorOf(await client.send('x', 'a.txt', { session_id: sessionId }, app.keys.bob));
    expect(refused).toEqual({ status: 404, code: 'session_not_found', param: 'session_id' });
    expect(await count('files')).toBe(files);
  });

  it('that is too large is refused and leaves nothing, whether it says its size or not', async () => {
    const blobs = await count('blobs');
    const content = Buffer.alloc(4 * MEBIBYTE + 1, 'x');
    expect((await errorOf(await client.send(content, 'a.txt'))).status).toBe(413);
    const declared = await client
      .send(Buffer.alloc(5 * MEBIBYTE), 'a.txt')
      .then(errorOf, () => ({ status: 413 }));
    expect(declared.status).toBe(413);
    const form = new FormData();
    form.append('file', new Blob([Buffer.alloc(6 * MEBIBYTE, 'y')]), 'a.txt');
    const { body, headers } = new Response(form);
    const chunked = await client.request('/v1/files', {
      method: 'POST',
      body,
      headers: { 'content-type': headers.get('content-type') ?? '' },
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
    expect(await count('blobs')).toBe(blobs);
  });

  it('of exactly the limit is taken', async () => {
    expect((await client.upload(Buffer.alloc(4 * MEBIBYTE, 'z'), 'a.txt')).bytes).toBe(4 * MEBIBYTE);
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
    await until('it is being stored', 10_000, async () => (await count('blobs')) > blobs);
    socket.destroy();
    await until('nothing of it is left', 10_000, async () => (await count('blobs')) === blobs);
  });

  it.each([
    ['no file', () => new FormData(), 'missing_file'],
    ['a file field of text', () => formOf({ file: 'text' }), undefined],
    ['an unknown field', () => formOf({ expires_after: '1' }), undefined],
  ])('with %s is a bad request, and leaves nothing', async (_, form, code) => {
    const blobs = await count('blobs');
    const error = await errorOf(await client.request('/v1/files', { method: 'POST', body: form() }));
    expect(error.status).toBe(400);
    if (code !== undefined) expect(error.code).toBe(code);
    expect(await count('blobs')).toBe(blobs);
  });

  it('with a bad field beside a large file leaves nothing', async () => {
    const blobs = await count('blobs');
    const response = await client.send(await collect(pseudoRandom(2 * MEBIBYTE, 77)), 'a.bin', {
      purpose: 'no such purpose!',
    });
    expect(await errorOf(response)).toMatchObject({ status: 400, param: 'purpose' });
    await until('nothing of it is left', 10_000, async () => (await count('blobs')) === blobs);
  });

  it.each(['--b', '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nno end'])(
    'that is no proper form is a bad request: %j',
    async (body) => {
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      expect((await client.request('/v1/files', { method: 'POST', body, headers })).status).toBe(400);
    },
  );

  it('needs a key', async () => {
    expect((await client.send('x', 'a.txt', {}, 'wrong')).status).toBe(401);
  });
});
