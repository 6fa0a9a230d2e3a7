import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WHOLE_CONTEXT } from '../../src/agent/context/context-mark.js';
import { insertMessage } from '../../src/runs/insert-message.js';
import { readContext, writeContext } from '../../src/runs/session-context.js';
import { type SerializedSession } from '../../src/sessions/session-export.js';
import { sessionViewSchema } from '../../src/sessions/session-request.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ask, startTestApp, type TestApp } from './http-api-app.js';
import { newSessionId, SessionsClient } from './sessions-client.js';
import { seedRun } from './sessions-seed.js';

let app: TestApp;
let key: string;
let sessions: SessionsClient;
beforeAll(async () => {
  app = await startTestApp({ modules: [SessionsModule] });
  key = app.keys.alice;
  sessions = new SessionsClient(app);
});
afterAll(() => app.close());

describe('export and import', () => {
  it('carry the whole past to a new id', async () => {
    const { id } = await sessions.make({ title: 'travels', system_prompt: 'be kind' });
    await sessions.turn(id, 'one.txt');
    await sessions.turn(id, 'two.txt');
    const original = await sessions.exportOf(id);
    expect(original.messages).toHaveLength(8);
    expect(original.files.map((file) => [file.path, file.text, file.executable])).toEqual([
      ['one.txt', 'content of one.txt', undefined],
      ['two.txt', 'content of two.txt', true],
    ]);
    const target = newSessionId();
    expect(await sessions.put(target, original)).toMatchObject({
      status: 201,
      body: { id: target, title: 'travels' },
    });
    const copy = await sessions.exportOf(target);
    const said = (session: SerializedSession) =>
      session.messages.map(({ role, content, reasoning }) => [role, content, reasoning]);
    expect(said(copy)).toEqual(said(original));
    expect(copy.messages[0]?.created_at).toBe(original.messages[0]?.created_at);
    expect(copy.files.map((file) => [file.path, file.text, file.executable])).toEqual(
      original.files.map((file) => [file.path, file.text, file.executable]),
    );
    expect(copy.tool_calls.map((call) => call.name)).toEqual(['python', 'python']);
    expect(copy.tool_calls.map((call) => call.file_ids)).toEqual(copy.files.map((file) => [file.id]));
    expect(copy.messages[2]?.tool_call_id).toBe(copy.messages[1]?.tool_calls?.[0]?.id);
    expect(copy.messages[2]?.tool_call_id).toBe(copy.tool_calls[0]?.id);
    expect(copy.messages[2]?.tool_call_id).not.toBe(original.messages[2]?.tool_call_id);
    expect(await sessions.lastPosition(target)).toBe(8);
    await ask(app, `/v1/sessions/${id}`, { key, method: 'DELETE' });
    expect((await sessions.exportOf(target)).files[0]?.text).toBe('content of one.txt');
  });

  it('carry what a session may come to: a long system prompt, and thousands of versions of its files', async () => {
    const { id } = await sessions.make();
    const { fileId } = await sessions.turn(id, 'plot.png');
    const prompt = 'Be kind. '.repeat(20_000);
    await app.dataSource.query('UPDATE sessions SET system_prompt = $2 WHERE id = $1', [id, prompt]);
    await app.dataSource.query(
      `INSERT INTO files SELECT copy.* FROM files, generate_series(1, 2001) AS n,
         LATERAL jsonb_populate_record(files, jsonb_build_object('id', 'file_v' || n)) AS copy WHERE files.id = $1`,
      [fileId],
    );
    const body = await sessions.exportOf(id);
    expect(body.files).toHaveLength(2002);
    const target = newSessionId();
    expect((await sessions.put(target, body)).status).toBe(201);
    expect((await sessions.exportOf(target)).session.system_prompt).toBe(prompt);
  });

  it('replace an own idle session, whose seqs go on', async () => {
    const { id } = await sessions.make({ title: 'old' });
    await sessions.turn(id, 'old.txt');
    await app.log.transaction(async (_manager, append) => {
      await append(id, null, [{ type: 'run_queued', position: 0 }]);
    });
    const other = await sessions.make({ title: 'new' });
    await sessions.turn(other.id, 'new.txt');
    const body = await sessions.exportOf(other.id);
    const runId = await seedRun(app.dataSource, 'alice', id, 'running');
    expect(await sessions.put(id, body)).toMatchObject({
      status: 409,
      body: { error: { code: 'session_busy' } },
    });
    await app.dataSource.query(`UPDATE runs SET state = 'failed' WHERE id = $1`, [runId]);
    await writeContext(app.dataSource.manager, { sessionId: id, runId }, { ...WHOLE_CONTEXT, from: 3 });
    expect(await sessions.put(id, body)).toMatchObject({
      status: 200,
      body: { id, title: 'new', last_seq: 2 },
    });
    const replaced = await sessions.exportOf(id);
    expect(replaced.files.map((file) => file.path)).toEqual(['new.txt']);
    expect(replaced.messages.map((message) => message.content)[0]).toBe('make new.txt');
    expect(await sessions.lastPosition(id)).toBe(4);
    expect(await readContext(app.dataSource.manager, id)).toEqual(WHOLE_CONTEXT);
  });

  it('end what was open when the export was made', async () => {
    const { id } = await sessions.make();
    const { runId } = await sessions.turn(id, 'a.txt');
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
    const target = newSessionId();
    expect((await sessions.put(target, await sessions.exportOf(id))).status).toBe(201);
    const copy = await sessions.exportOf(target);
    expect(copy.runs[0]).toMatchObject({ state: 'cancelled', stop_reason: 'cancelled' });
    expect(copy.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: 'This call was not finished; there is no result.',
    });
    expect(copy.messages.at(-1)?.tool_call_id).toBe(copy.messages.at(-2)?.tool_calls?.[0]?.id);
    expect(copy.tool_calls).toHaveLength(2);
  });

  it('name what is wrong with a body, and change nothing', async () => {
    const { id } = await sessions.make({ title: 'kept' });
    await sessions.turn(id, 'kept.txt');
    const good = await sessions.exportOf(id);
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
        'a time zone that no place has',
        { ...good, messages: [{ ...user, created_at: '2026-01-01T00:00:00+16:00' }] },
        'messages[0].created_at',
      ],
      [
        'a time of endless precision',
        { ...good, messages: [{ ...user, created_at: `2026-01-01T00:00:00.${'1'.repeat(200)}Z` }] },
        'messages[0].created_at',
      ],
      [
        'two answers in one round',
        { ...good, messages: [user, assistant, result, { ...assistant, tool_calls: null }] },
        'messages[3].round',
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
      const answer = await sessions.put(id, body);
      expect([what, answer.status]).toEqual([what, 400]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
    expect(await sessions.exportOf(id)).toEqual(good);
    expect(await sessions.put('my-own-name', good)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_session_id' } },
    });
  });
});

describe('fork', () => {
  it('keeps the first turns, whole, in a session of its own', async () => {
    const { id } = await sessions.make({ title: 'trunk', system_prompt: 'be brave' });
    await sessions.turn(id, 'one.txt');
    const second = await sessions.turn(id, 'two.txt');
    await insertMessage(app.dataSource.manager, {
      sessionId: id,
      runId: second.runId,
      role: 'user',
      content: 'steered',
    });
    await sessions.turn(id, 'three.txt');
    const forked = await ask(app, `/v1/sessions/${id}/fork`, { key, body: { turn: 2, title: 'branch' } });
    expect(forked).toMatchObject({
      status: 201,
      body: { title: 'branch', system_prompt: 'be brave', parent_id: id, last_seq: 0 },
    });
    const branch = await sessions.exportOf(sessionViewSchema.parse(forked.body).id);
    expect(branch.messages).toHaveLength(9);
    expect(branch.messages.at(-1)?.content).toBe('steered');
    expect(branch.runs).toHaveLength(2);
    expect(branch.files.map((file) => file.path)).toEqual(['one.txt', 'three.txt', 'two.txt']);
    expect(branch.files.map((file) => file.executable)).toEqual([undefined, undefined, true]);
    expect(branch.tool_calls[1]?.file_ids[0]).toBe(branch.files.find((file) => file.path === 'two.txt')?.id);
    expect(await sessions.lastPosition(branch.session.id)).toBe(9);
    expect((await sessions.exportOf(id)).messages).toHaveLength(13);
    await ask(app, `/v1/sessions/${id}`, { key, method: 'DELETE' });
    expect((await sessions.exportOf(branch.session.id)).files).toHaveLength(3);
  });

  it('says so when there is no such turn or the turn is not over', async () => {
    const { id } = await sessions.make();
    const { runId } = await sessions.turn(id, 'one.txt');
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
