import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionViewSchema } from '../../src/sessions/session-request.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ask, startTestApp, type TestApp } from './http-api-app.js';
import { SessionsClient } from './sessions-client.js';

let app: TestApp;
let key: string;
let sessions: SessionsClient;
beforeAll(async () => {
  app = await startTestApp({ modules: [SessionsModule] });
  await app.log.bus.start();
  key = app.keys.alice;
  sessions = new SessionsClient(app);
});
afterAll(() => app.close());

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
    const { id } = await sessions.make();
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

  describe('of a session that was replaced', () => {
    async function replaced(): Promise<string> {
      const { id } = await sessions.make();
      await emit(id, 1, 2, 3);
      expect(await sessions.put(id, await sessions.exportOf(id))).toMatchObject({ status: 200 });
      return id;
    }

    it('end in pages too', async () => {
      const id = await replaced();
      const page = () => ask(app, `/v1/sessions/${id}/events?after_seq=1&limit=1`, { key });
      expect((await page()).body).toMatchObject({ data: [], has_more: false });
      await emit(id, 4, 5);
      expect((await page()).body).toMatchObject({ data: [{ seq: 5 }], has_more: true, next_after_seq: 5 });
    });

    it('have a snapshot in their place in a stream', async () => {
      const id = await replaced();
      const gone = new AbortController();
      const reader = await readStream(id, gone.signal);
      await reader.until('event: live\n');
      await emit(id, 4);
      await reader.until('id: 5\n');
      expect(reader.ids()).toEqual(['4', '5']);
      expect(reader.text()).toMatch(
        /^event: snapshot\nid: 4\ndata: .*"object":"session.export".*\n\nevent: live\n/,
      );
      gone.abort();
    });

    it('are told at once to a reader that follows it, who goes on after that', async () => {
      const { id } = await sessions.make();
      await emit(id, 1, 2, 3);
      const gone = new AbortController();
      const reader = await readStream(id, gone.signal);
      await reader.until('event: live\n');
      await sessions.put(id, await sessions.exportOf(id));
      await reader.until('id: 4\n');
      await sessions.put(id, await sessions.exportOf(id));
      await reader.until('id: 5\n');
      await emit(id, 4);
      await reader.until('id: 6\n');
      gone.abort();
      expect(reader.ids()).toEqual(['2', '3', '4', '5', '6']);
      const named = [...reader.text().matchAll(/^event: (\w+)$/gm)].map((match) => match[1]);
      expect(named).toEqual(['live', 'snapshot', 'live', 'snapshot', 'live']);
    });

    it('are told to a reader that had seen them all', async () => {
      const id = await replaced();
      const gone = new AbortController();
      const reader = await readStream(id, gone.signal, { 'last-event-id': '3' });
      await reader.until('event: live\n');
      expect(reader.text()).toMatch(/^event: snapshot\nid: 4\n/);
      gone.abort();
      await emit(id, 4);
      const page = await ask(app, `/v1/sessions/${id}/events?after_seq=3`, { key });
      expect(page.body).toMatchObject({ data: [{ seq: 5 }] });
    });
  });

  async function readStream(id: string, signal: AbortSignal, headers: Record<string, string> = {}) {
    const response = await fetch(`${app.url}/v1/sessions/${id}/events?after_seq=1`, {
      headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers },
      signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    return {
      text: () => text,
      ids: () => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => match[1]),
      until: async (part: string) => {
        while (!text.includes(part)) {
          const { value } = (await reader?.read()) ?? {};
          if (value === undefined) throw new Error(`The stream ended without ${JSON.stringify(part)}.`);
          text += value;
        }
      },
    };
  }

  it('stream from where the reader was, then live, and end with it', async () => {
    const { id } = await sessions.make();
    await emit(id, 1, 2, 3);
    const gone = new AbortController();
    const reader = await readStream(id, gone.signal, { 'last-event-id': '2' });
    await reader.until('event: live\n');
    await emit(id, 4);
    await reader.until('id: 4\n');
    expect(reader.ids()).toEqual(['3', '4']);
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
    const { id } = await sessions.make();
    const headers = { accept: 'text/event-stream', 'last-event-id': '1; drop' };
    expect(await ask(app, `/v1/sessions/${id}/events`, { key, headers })).toMatchObject({
      status: 400,
      body: { error: { param: 'last-event-id' } },
    });
  });
});
