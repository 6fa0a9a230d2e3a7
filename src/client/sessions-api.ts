import { z } from 'zod';
import { runViewSchema } from '../runs/run-view.js';
import type { RunView } from '../runs/run-view.js';
import { serializedSessionSchema } from '../sessions/session-export.js';
import type { SerializedSession } from '../sessions/session-export.js';
import { sessionPageSchema, sessionViewSchema } from '../sessions/session-request.js';
import type {
  CreateSessionRequest,
  ForkSessionRequest,
  SessionPage,
  SessionView,
} from '../sessions/session-request.js';
import type { HttpApi } from './http-api.js';

const runListSchema = z.object({ data: z.array(runViewSchema) });

export class SessionsApi {
  constructor(private readonly http: HttpApi) {}

  /** Most recently active first; `next_cursor` leads to the next page. */
  list(options: { readonly limit?: number; readonly cursor?: string } = {}): Promise<SessionPage> {
    return this.http.json('/v1/sessions', sessionPageSchema, { query: { ...options } });
  }

  create(request: CreateSessionRequest = {}): Promise<SessionView> {
    return this.http.json('/v1/sessions', sessionViewSchema, { method: 'POST', json: request });
  }

  export(sessionId: string): Promise<SerializedSession> {
    return this.http.json(pathOf(sessionId), serializedSessionSchema);
  }

  import(sessionId: string, session: SerializedSession): Promise<SessionView> {
    return this.http.json(pathOf(sessionId), sessionViewSchema, { method: 'PUT', json: session });
  }

  fork(sessionId: string, request: ForkSessionRequest = {}): Promise<SessionView> {
    return this.http.json(`${pathOf(sessionId)}/fork`, sessionViewSchema, { method: 'POST', json: request });
  }

  async remove(sessionId: string): Promise<void> {
    await this.http.send(pathOf(sessionId), { method: 'DELETE' });
  }

  async runs(sessionId: string): Promise<RunView[]> {
    return (await this.http.json(`${pathOf(sessionId)}/runs`, runListSchema)).data;
  }
}

function pathOf(sessionId: string): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}`;
}
