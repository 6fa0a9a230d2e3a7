import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileService } from '../../src/files/file.service.js';
import { insertMessage } from '../../src/runs/insert-message.js';
import { serializedSessionSchema } from '../../src/sessions/session-export.js';
import type { SerializedSession } from '../../src/sessions/session-export.js';
import { sessionPageSchema, sessionViewSchema } from '../../src/sessions/session-request.js';
import type { SessionView } from '../../src/sessions/session-request.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ask, startTestApp } from './http-api-app.js';
import type { Answer, TestApp } from './http-api-app.js';
import { seedRun, seedTurn } from './sessions-seed.js';

let app: TestApp;
let key: string;
beforeAll(async () => {
  app = await startTestApp({ modules: [SessionsModule] });
  key = app.keys.alice;
});
afterAll(() => app.close());

async function make(body: unknown = {}, by = key): Promise<SessionView> {
  const answer = await ask(app, '/v1/sessions', { key: by, body });
  expect(answer.status).toBe(201);
  return sessionViewSchema.parse(answer.body);
}

async function exportOf(id: string): Promise<SerializedSession> {
  const answer = await ask(app, `/v1/sessions/${id}`, { key });
  expect(answer.status).toBe(200);
  return serializedSessionSchema.parse(answer.body);
}

function put(id: string, body: unknown, by = key): Promise<Answer> {
  return ask(app, `/v1/sessions/${id}`, { key: by, method: 'PUT', body });
}

function turn(sessionId: string, name: string) {
  return seedTurn(app.dataSource, app.get(FileService), { owner: 'alice', sessionId, name });
}

const NEW_ID = () => `sess_${crypto.randomUUID().replaceAll('-', '')}`;

async function lastPosition(sessionId: string): Promise<number> {
  const rows = await app.dataSource.query<{ last_position: number; highest: number }[]>(
    `SELECT last_position, (SELECT coalesce(max(position), 0) FROM messages WHERE session_id = sessions.id) AS highest
     FROM sessions WHERE id = $1`,
    [sessionId],
  );
  expect(rows[0]?.last_position).toBe(rows[0]?.highest);
  return rows[0]?.last_position ?? -1;
}

describe('sessions', () => {
  it('are made, changed and listed', async () => {
    const session = await make({ title: 'first', system_prompt: 'be brief' });
    expect(session).toMatchObject({
      object: 'session',
      title: 'first',
      system_prompt: 'be brief',
      last_seq: 0,
    });
    const changed = await ask(app, `/v1/sessions/${session.id}`, {
      key,
      method: 'PATCH',
      body: { title: null },
    });
    expect(changed).toMatchObject({ status: 200, body: { title: null, system_prompt: 'be brief' } });
    const listed = await ask(app, '/v1/sessions', { key });
    expect(sessionPageSchema.parse(listed.body).data.map((one) => one.id)).toContain(session.id);
    expect(await make()).toMatchObject({ title: null });
    expect((await ask(app, '/v1/sessions', { key, method: 'POST' })).status).toBe(201);
  });

  it('may name the kind of their sandbox, and only one that there is', async () => {
    expect(await make()).toMatchObject({ sandbox_profile: null });
    const { id } = await make({ sandbox_profile: 'python' });
    const forked = await ask(app, `/v1/sessions/${id}/fork`, { key, body: {} });
    expect(forked).toMatchObject({ status: 201, body: { sandbox_profile: 'python' } });
    const refused = {
      status: 400,
      body: {
        error: {
          code: 'unknown_sandbox_profile',
          param: 'sandbox_profile',
          message: expect.stringContaining('it has: python.'),
        },
      },
    };
    const body = { sandbox_profile: 'large' };
    expect(await ask(app, '/v1/sessions', { key, method: 'POST', body })).toMatchObject(refused);
    const past = await exportOf(id);
    expect(past.session.sandbox_profile).toBe('python');
    const session = { ...past.session, sandbox_profile: 'large' };
    expect(await put(NEW_ID(), { ...past, session })).toMatchObject(refused);
    const { sandbox_profile: _absent, ...older } = past.session;
    const target = NEW_ID();
    expect((await put(target, { ...past, session: older })).status).toBe(201);
    expect((await exportOf(target)).session.sandbox_profile).toBeNull();
  });

  it('are listed page by page, each once, latest first', async () => {
    const { bob } = app.keys;
    const made = [];
    for (let number = 0; number < 7; number += 1) made.push((await make({ title: `${number}` }, bob)).id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = sessionPageSchema.parse(
        (await ask(app, `/v1/sessions?limit=3${query}`, { key: bob })).body,
      );
      expect(page.data.length).toBeLessThanOrEqual(3);
      seen.push(...page.data.map((one) => one.id));
      cursor = page.next_cursor;
      expect(page.has_more).toBe(cursor !== null);
    }
    expect(seen).toEqual(made.toReversed());
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=many', 'limit'],
    ['cursor=nonsense', 'cursor'],
    [`cursor=${Buffer.from('9999999999999999:x').toString('base64url')}`, undefined],
    ['order=up', 'order'],
  ])('answer %s without a 500', async (query, param) => {
    const answer = await ask(app, `/v1/sessions?${query}`, { key });
    expect(answer.status).toBe(param === undefined ? 200 : 400);
    if (param !== undefined) expect(answer.body).toMatchObject({ error: { param } });
  });

  it('are deleted with all they have, but not while a run is open', async () => {
    const { id } = await make();
    const { fileId } = await turn(id, 'plot.txt');
    const runId = await seedRun(app.dataSource, 'alice', id, 'waiting_approval');
    const busy = await ask(app, `/v1/sessions/${id}`, { key, method: 'DELETE' });
    expect(busy).toMatchObject({
      status: 409,
      body: { error: { type: 'conflict_error', code: 'session_busy' } },
    });
    expect(JSON.stringify(busy.body)).toContain(runId);
    await app.dataSource.query(`UPDATE runs SET state = 'cancelled' WHERE id = $1`, [runId]);
    expect((await ask(app, `/v1/sessions/${id}`, { key, method: 'DELETE' })).status).toBe(204);
    expect((await ask(app, `/v1/sessions/${id}`, { key })).status).toBe(404);
    expect(await app.dataSource.query('SELECT 1 FROM files WHERE id = $1', [fileId])).toEqual([]);
  });
});

describe('someone else', () => {
  it('finds no session on any route, as if it were not there', async () => {
    const { id } = await make({ title: 'private' });
    await turn(id, 'secret.txt');
    const body = await exportOf(id);
    const unknown = NEW_ID();
    const routes: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { title: 'mine' }],
      ['DELETE', ''],
      ['POST', '/fork', {}],
      ['GET', '/events'],
      ['GET', '/files'],
    ];
    for (const [method, suffix, sent] of routes) {
      const options = { key: app.keys.bob, method, ...(sent === undefined ? {} : { body: sent }) };
      const [theirs, none] = [
        await ask(app, `/v1/sessions/${id}${suffix}`, options),
        await ask(app, `/v1/sessions/${unknown}${suffix}`, options),
      ];
      expect([method, suffix, theirs.status]).toEqual([method, suffix, 404]);
      expect(JSON.stringify(theirs.body)).toBe(JSON.stringify(none.body).replace(unknown, id));
    }
    const stream = { key: app.keys.bob, headers: { accept: 'text/event-stream' } };
    expect((await ask(app, `/v1/sessions/${id}/events`, stream)).status).toBe(404);
    expect((await put(id, body, app.keys.bob)).status).toBe(404);
    expect((await exportOf(id)).session.title).toBe('private');
    const listed = sessionPageSchema.parse(
      (await ask(app, '/v1/sessions?limit=200', { key: app.keys.bob })).body,
    );
    expect(listed.data.map((one) => one.id)).not.toContain(id);
  });
});

describe('export and import', () => {
  it('carry the whole past to a new id', async () => {
    const { id } = await make({ title: 'travels', system_prompt: 'be kind' });
    await turn(id, 'one.txt');
    await turn(id, 'two.txt');
    const original = await exportOf(id);
    expect(original.messages).toHaveLength(8);
    expect(original.files.map((file) => [file.path, file.text])).toEqual([
      ['one.txt', 'content of one.txt'],
      ['two.txt', 'content of two.txt'],
    ]);
    const target = NEW_ID();
    expect(await put(target, original)).toMatchObject({
      status: 201,
      body: { id: target, title: 'travels' },
    });
    const copy = await exportOf(target);
    const said = (session: SerializedSession) =>
      session.messages.map(({ role, content, reasoning }) => [role, content, reasoning]);
    expect(said(copy)).toEqual(said(original));
    expect(copy.messages[0]?.created_at).toBe(original.messages[0]?.created_at);
    expect(copy.files.map((file) => [file.path, file.text])).toEqual(
      original.files.map((file) => [file.path, file.text]),
    );
    expect(copy.tool_calls.map((call) => call.name)).toEqual(['python', 'python']);
    expect(copy.tool_calls.map((call) => call.file_ids)).toEqual(copy.files.map((file) => [file.id]));
    expect(copy.messages[2]?.tool_call_id).toBe(copy.messages[1]?.tool_calls?.[0]?.id);
    expect(copy.messages[2]?.tool_call_id).toBe(copy.tool_calls[0]?.id);
    expect(copy.messages[2]?.tool_call_id).not.toBe(original.messages[2]?.tool_call_id);
    expect(await lastPosition(target)).toBe(8);
    await ask(app, `/v1/sessions/${id}`, { key, method: 'DELETE' });
    expect((await exportOf(target)).files[0]?.text).toBe('content of one.txt');
  });

  it('replace an own idle session, whose seqs go on', async () => {
    const { id } = await make({ title: 'old' });
    await turn(id, 'old.txt');
    await app.log.transaction(async (_manager, append) => {
      await append(id, null, [{ type: 'run_queued', position: 0 }]);
    });
    const other = await make({ title: 'new' });
    await turn(other.id, 'new.txt');
    const body = await exportOf(other.id);
    const runId = await seedRun(app.dataSource, 'alice', id, 'running');
    expect(await put(id, body)).toMatchObject({ status: 409, body: { error: { code: 'session_busy' } } });
    await app.dataSource.query(`UPDATE runs SET state = 'failed' WHERE id = $1`, [runId]);
    expect(await put(id, body)).toMatchObject({ status: 200, body: { id, title: 'new', last_seq: 1 } });
    const replaced = await exportOf(id);
    expect(replaced.files.map((file) => file.path)).toEqual(['new.txt']);
    expect(replaced.messages.map((message) => message.content)[0]).toBe('make new.txt');
    expect(await lastPosition(id)).toBe(4);
  });

  it('end what was open when the export was made', async () => {
    const { id } = await make();
    const { runId } = await turn(id, 'a.txt');
    const call = { id: 'call_open', name: 'python', arguments: '{}' };
    await insertMessage(app.dataSource.manager, {
      sessionId: id,
      runId,
      role: 'assistant',
      content: '',
      toolCalls: [call],
    });
    await app.dataSource.query(`UPDATE runs SET state = 'running', finished_at = NULL WHERE id = $1`, [
      runId,
    ]);
    const target = NEW_ID();
    expect((await put(target, await exportOf(id))).status).toBe(201);
    const copy = await exportOf(target);
    expect(copy.runs[0]).toMatchObject({ state: 'cancelled', stop_reason: 'cancelled' });
    expect(copy.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: 'This call was not finished; there is no result.',
    });
    expect(copy.messages.at(-1)?.tool_call_id).toBe(copy.messages.at(-2)?.tool_calls?.[0]?.id);
    expect(copy.tool_calls).toHaveLength(2);
  });

  it('name what is wrong with a body, and change nothing', async () => {
    const { id } = await make({ title: 'kept' });
    await turn(id, 'kept.txt');
    const good = await exportOf(id);
    const [user, assistant, result] = good.messages;
    const bad: [string, unknown, string][] = [
      ['no object', 'text', 'Expected object'],
      ['another version', { ...good, version: 2 }, 'version'],
      ['an unknown field', { ...good, extra: 1 }, 'extra'],
      ['a bad role', { ...good, messages: [{ ...user, role: 'system' }] }, 'messages[0].role'],
      ['a result without a call', { ...good, messages: [user, result] }, 'messages[1].tool_call_id'],
      [
        'a call told twice',
        { ...good, messages: [user, assistant, result, assistant] },
        'messages[3].tool_calls',
      ],
      ['a run told twice', { ...good, runs: [...good.runs, ...good.runs] }, 'runs[1].id'],
      ['a call of no run', { ...good, runs: [] }, 'tool_calls[0].run_id'],
      [
        'a path that leads out',
        { ...good, files: [{ ...good.files[0], path: '../../etc/passwd' }] },
        'files[0].path',
      ],
      [
        'two files in one place',
        { ...good, files: [good.files[0], { ...good.files[0], id: 'f2' }] },
        'files[1].path',
      ],
      [
        'broken base64',
        { ...good, files: [{ ...good.files[0], data_base64: '%%%' }] },
        'files[0].data_base64',
      ],
      ['NUL in a message', { ...good, messages: [{ ...user, content: 'a\0b' }] }, 'messages[0].content'],
      [
        'a time before time',
        { ...good, messages: [{ ...user, created_at: '0000-01-01T00:00:00Z' }] },
        'messages[0].created_at',
      ],
      [
        'a round past all counting',
        { ...good, messages: [{ ...user, round: 2 ** 40 }] },
        'messages[0].round',
      ],
      [
        'a title without end',
        { ...good, session: { ...good.session, title: 'x'.repeat(300) } },
        'session.title',
      ],
      [
        'a file under a file',
        { ...good, files: [good.files[0], { ...good.files[0], id: 'f2', path: 'kept.txt/x' }] },
        'files[1].path',
      ],
      ['a seq that is none', { ...good, last_seq: 1.5 }, 'last_seq'],
    ];
    for (const [what, body, named] of bad) {
      const answer = await put(id, body);
      expect([what, answer.status]).toEqual([what, 400]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
    expect(await exportOf(id)).toEqual(good);
    expect(await put('my-own-name', good)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_session_id' } },
    });
  });
});

describe('fork', () => {
  it('keeps the first turns, whole, in a session of its own', async () => {
    const { id } = await make({ title: 'trunk', system_prompt: 'be brave' });
    await turn(id, 'one.txt');
    const second = await turn(id, 'two.txt');
    await insertMessage(app.dataSource.manager, {
      sessionId: id,
      runId: second.runId,
      role: 'user',
      content: 'steered',
    });
    await turn(id, 'three.txt');
    const forked = await ask(app, `/v1/sessions/${id}/fork`, { key, body: { turn: 2, title: 'branch' } });
    expect(forked).toMatchObject({
      status: 201,
      body: { title: 'branch', system_prompt: 'be brave', parent_id: id, last_seq: 0 },
    });
    const branch = await exportOf(sessionViewSchema.parse(forked.body).id);
    expect(branch.messages).toHaveLength(9);
    expect(branch.messages.at(-1)?.content).toBe('steered');
    expect(branch.runs).toHaveLength(2);
    expect(branch.files.map((file) => file.path)).toEqual(['one.txt', 'three.txt', 'two.txt']);
    expect(branch.tool_calls[1]?.file_ids[0]).toBe(branch.files.find((file) => file.path === 'two.txt')?.id);
    expect(await lastPosition(branch.session.id)).toBe(9);
    expect((await exportOf(id)).messages).toHaveLength(13);
    await ask(app, `/v1/sessions/${id}`, { key, method: 'DELETE' });
    expect((await exportOf(branch.session.id)).files).toHaveLength(3);
  });

  it('says so when there is no such turn or the turn is not over', async () => {
    const { id } = await make();
    const { runId } = await turn(id, 'one.txt');
    for (const [body, param] of [
      [{ turn: 2 }, 'turn'],
      [{ turn: 0 }, 'turn'],
      [{ turn: '1' }, 'turn'],
      [{ at: 1 }, 'at'],
    ] as const) {
      const answer = await ask(app, `/v1/sessions/${id}/fork`, { key, body });
      expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
    }
    await app.dataSource.query(`UPDATE runs SET state = 'running' WHERE id = $1`, [runId]);
    const busy = await ask(app, `/v1/sessions/${id}/fork`, { key, method: 'POST' });
    expect(busy).toMatchObject({ status: 409, body: { error: { code: 'session_busy' } } });
  });
});

describe('events', () => {
  async function emit(sessionId: string, ...positions: number[]): Promise<void> {
    await app.log.transaction(async (_manager, append) => {
      await append(
        sessionId,
        null,
        positions.map((position) => ({ type: 'run_queued' as const, position })),
      );
    });
  }

  it('are read in pages', async () => {
    const { id } = await make();
    await emit(id, 1, 2, 3);
    const first = await ask(app, `/v1/sessions/${id}/events?limit=2`, { key });
    expect(first.body).toMatchObject({
      has_more: true,
      next_after_seq: 2,
      data: [{ seq: 1 }, { seq: 2, position: 2 }],
    });
    const rest = await ask(app, `/v1/sessions/${id}/events?after_seq=2`, { key });
    expect(rest.body).toMatchObject({ has_more: false, next_after_seq: 3, data: [{ seq: 3 }] });
    for (const query of ['after_seq=-1', 'after_seq=x', 'limit=1001', 'after_seq=1e400']) {
      expect((await ask(app, `/v1/sessions/${id}/events?${query}`, { key })).status).toBe(400);
    }
  });

  it('stream from where the reader was, then live, and end with it', async () => {
    const { id } = await make();
    await emit(id, 1, 2, 3);
    const gone = new AbortController();
    const response = await fetch(`${app.url}/v1/sessions/${id}/events?after_seq=1`, {
      headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', 'last-event-id': '2' },
      signal: gone.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (part: string) => {
      while (!text.includes(part)) text += (await reader?.read())?.value ?? '';
    };
    await until('event: live\n');
    await emit(id, 4);
    await until('id: 4\n');
    expect([...text.matchAll(/^id: (\d+)$/gm)].map((match) => match[1])).toEqual(['3', '4']);
    expect(app.log.bus.watchers(id)).toBe(1);
    gone.abort();
    await expect.poll(() => app.log.bus.watchers(id)).toBe(0);
  });

  it('end when the server closes', async () => {
    const other = await startTestApp({ modules: [SessionsModule] });
    const made = await ask(other, '/v1/sessions', { key: other.keys.alice, body: {} });
    const response = await fetch(`${other.url}/v1/sessions/${sessionViewSchema.parse(made.body).id}/events`, {
      headers: { authorization: `Bearer ${other.keys.alice}`, accept: 'text/event-stream' },
    });
    const rest = response.text();
    await other.close();
    expect(typeof (await rest)).toBe('string');
  });

  it('refuse a Last-Event-ID that is no seq', async () => {
    const { id } = await make();
    const headers = { accept: 'text/event-stream', 'last-event-id': '1; drop' };
    expect(await ask(app, `/v1/sessions/${id}/events`, { key, headers })).toMatchObject({
      status: 400,
      body: { error: { param: 'last-event-id' } },
    });
  });
});
