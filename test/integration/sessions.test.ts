import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionPageSchema } from '../../src/sessions/session-request.js';
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

describe('sessions', () => {
  it('are made, changed and listed', async () => {
    const session = await sessions.make({ title: 'first', system_prompt: 'be brief' });
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
    expect(await sessions.make()).toMatchObject({ title: null });
    expect((await ask(app, '/v1/sessions', { key, method: 'POST' })).status).toBe(201);
  });

  it('may name the kind of their sandbox, and only one that there is', async () => {
    expect(await sessions.make()).toMatchObject({ sandbox_profile: null });
    const { id } = await sessions.make({ sandbox_profile: 'python' });
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
    const past = await sessions.exportOf(id);
    expect(past.session.sandbox_profile).toBe('python');
    const session = { ...past.session, sandbox_profile: 'large' };
    expect(await sessions.put(newSessionId(), { ...past, session })).toMatchObject(refused);
    const { sandbox_profile: _absent, ...older } = past.session;
    const target = newSessionId();
    expect((await sessions.put(target, { ...past, session: older })).status).toBe(201);
    expect((await sessions.exportOf(target)).session.sandbox_profile).toBeNull();
  });

  it('are listed page by page, each once, latest first', async () => {
    const { bob } = app.keys;
    const made = [];
    for (let number = 0; number < 7; number += 1)
      made.push((await sessions.make({ title: `${number}` }, bob)).id);
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
    const { id } = await sessions.make();
    const { fileId } = await sessions.turn(id, 'plot.txt');
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
    const { id } = await sessions.make({ title: 'private' });
    await sessions.turn(id, 'secret.txt');
    const body = await sessions.exportOf(id);
    const unknown = newSessionId();
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
    expect((await sessions.put(id, body, app.keys.bob)).status).toBe(404);
    expect((await sessions.exportOf(id)).session.title).toBe('private');
    const listed = sessionPageSchema.parse(
      (await ask(app, '/v1/sessions?limit=200', { key: app.keys.bob })).body,
    );
    expect(listed.data.map((one) => one.id)).not.toContain(id);
  });
});
