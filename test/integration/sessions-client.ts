import { expect } from 'vitest';
import { FileService } from '../../src/files/file.service.js';
import { serializedSessionSchema, type SerializedSession } from '../../src/sessions/session-export.js';
import { sessionViewSchema, type SessionView } from '../../src/sessions/session-request.js';
import { ask, type Answer, type TestApp } from './http-api-app.js';
import { seedTurn, type SeededTurn } from './sessions-seed.js';

export function newSessionId(): string {
  return `sess_${crypto.randomUUID().replaceAll('-', '')}`;
}

/** What alice, or whoever `by` names, does with sessions over HTTP. */
export class SessionsClient {
  constructor(private readonly app: TestApp) {}

  async make(body: unknown = {}, by = this.app.keys.alice): Promise<SessionView> {
    const answer = await ask(this.app, '/v1/sessions', { key: by, body });
    expect(answer.status).toBe(201);
    return sessionViewSchema.parse(answer.body);
  }

  async exportOf(id: string): Promise<SerializedSession> {
    const answer = await ask(this.app, `/v1/sessions/${id}`, { key: this.app.keys.alice });
    expect(answer.status).toBe(200);
    return serializedSessionSchema.parse(answer.body);
  }

  put(id: string, body: unknown, by = this.app.keys.alice): Promise<Answer> {
    return ask(this.app, `/v1/sessions/${id}`, { key: by, method: 'PUT', body });
  }

  /** A turn that is over, with a file of that name. */
  turn(sessionId: string, name: string): Promise<SeededTurn> {
    const { dataSource } = this.app;
    return seedTurn(dataSource, this.app.get(FileService), { owner: 'alice', sessionId, name });
  }

  /** Of the session's messages; checks that the session knows it too. */
  async lastPosition(sessionId: string): Promise<number> {
    const rows = await this.app.dataSource.query<{ last_position: number; highest: number }[]>(
      `SELECT last_position, (SELECT coalesce(max(position), 0) FROM messages WHERE session_id = sessions.id) AS highest
       FROM sessions WHERE id = $1`,
      [sessionId],
    );
    expect(rows[0]?.last_position).toBe(rows[0]?.highest);
    return rows[0]?.last_position ?? -1;
  }
}
