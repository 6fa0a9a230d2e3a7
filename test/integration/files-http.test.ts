import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingFile, type FileMetadata } from '../../src/files/file-object.js';
import { FileService } from '../../src/files/file.service.js';
import { FilesHttpModule } from '../../src/files/files-http.module.js';
import { newId } from '../../src/ids.js';
import { errorOf, FilesClient } from './files-client.js';
import { pseudoRandom } from './files-fixture.js';
import { startTestApp, type TestApp } from './http-api-app.js';

const MEBIBYTE = 1024 * 1024;
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==';

let app: TestApp;
let client: FilesClient;
beforeAll(async () => {
  app = await startTestApp({ modules: [FilesHttpModule], environment: { GANTRY_MAX_UPLOAD_MB: '4' } });
  client = new FilesClient(app);
});
afterAll(() => app.close());

describe('content', () => {
  it('is served with ranges, validators and no way to act', async () => {
    const file = await client.upload('0123456789', 'page.html');
    const path = `/v1/files/${file.id}/content`;
    const response = await client.request(path);
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
    const part = await client.request(path, { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ]);
    const tail = await client.request(path, { headers: { range: 'bytes=-3' } });
    expect([tail.status, await tail.text()]).toEqual([206, '789']);
    const beyond = await client.request(path, { headers: { range: 'bytes=10-' } });
    expect([beyond.status, beyond.headers.get('content-range'), await beyond.text()]).toEqual([
      416,
      'bytes */10',
      '',
    ]);
    const known = await client.request(path, { headers: { 'if-none-match': `"${file.sha256}"` } });
    expect([known.status, await known.text()]).toEqual([304, '']);
    const changed = await client.request(path, { headers: { range: 'bytes=2-4', 'if-range': '"other"' } });
    expect([changed.status, await changed.text()]).toEqual([200, '0123456789']);
  });

  it('answers HEAD without a body', async () => {
    const file = await client.upload(Buffer.from(PNG, 'base64'), 'pixel.png');
    const response = await client.request(`/v1/files/${file.id}/content`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(response.headers.get('content-length')).toBe(String(file.bytes));
    expect(await response.text()).toBe('');
  });

  it('of nothing is an empty answer', async () => {
    const file = await client.upload('', 'empty.txt');
    const response = await client.request(`/v1/files/${file.id}/content`);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

describe('files of others', () => {
  it('are not there', async () => {
    const file = await client.upload('secret', 'a.txt');
    for (const [path, method] of [
      ['', 'GET'],
      ['/content', 'GET'],
      ['', 'DELETE'],
    ] as const) {
      const theirs = await errorOf(
        await client.request(`/v1/files/${file.id}${path}`, { method }, app.keys.bob),
      );
      const unknown = await errorOf(
        await client.request(`/v1/files/file_none${path}`, { method }, app.keys.bob),
      );
      expect(theirs).toEqual(unknown);
      expect(theirs).toMatchObject({ status: 404, code: 'file_not_found' });
    }
    expect((await client.request(`/v1/files/${file.id}`)).status).toBe(200);
    const list = (await (await client.request('/v1/files', {}, app.keys.bob)).json()) as { data: unknown[] };
    expect(list.data).toEqual([]);
  });
});

describe('the list and deletion', () => {
  it('page through what is there', async () => {
    const own = { purpose: 'paging' };
    const ids = [];
    for (const name of ['1', '2', '3']) ids.unshift((await client.upload(name, name, own)).id);
    const first = await (await client.request('/v1/files?purpose=paging&limit=2&order=desc')).json();
    expect(first).toMatchObject({ object: 'list', first_id: ids[0], last_id: ids[1], has_more: true });
    const second = (await (
      await client.request(`/v1/files?purpose=paging&limit=2&after=${ids[1]}`)
    ).json()) as {
      data: FileMetadata[];
    };
    expect(second).toMatchObject({ first_id: ids[2], has_more: false });
    expect(second.data.map((file) => file.id)).toEqual([ids[2]]);
    const oldest = await client.request(`/v1/files?purpose=paging&limit=1&order=asc&after=${ids[2]}`);
    expect(await oldest.json()).toMatchObject({ first_id: ids[1], last_id: ids[1], has_more: true });
    const deleted = await client.request(`/v1/files/${ids[0]}`, { method: 'DELETE' });
    expect(await deleted.json()).toEqual({ id: ids[0], object: 'file', deleted: true });
    expect((await client.request(`/v1/files/${ids[0]}`)).status).toBe(404);
    expect((await client.request(`/v1/files/${ids[0]}`, { method: 'DELETE' })).status).toBe(404);
  });

  it.each(['limit=0', 'limit=x', 'limit=100000', 'colour=red', 'order=up'])('refuse %s', async (query) => {
    expect((await errorOf(await client.request(`/v1/files?${query}`))).status).toBe(400);
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
