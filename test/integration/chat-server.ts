import OpenAI from 'openai';
import type { ScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';
import type { Tool } from '../../src/tools/tool.js';
import { type Replacement, startScriptedServer } from './scripted-server.js';

export interface ChatServer {
  readonly url: string;
  readonly engine: ScriptedEngine;
  /** The official SDK, with the key of each of two principals; never tries again by itself. */
  readonly alice: OpenAI;
  readonly bob: OpenAI;
  /** `POST /v1/chat/completions` as alice. */
  post(
    body: unknown,
    options?: { signal?: AbortSignal; headers?: Record<string, string> },
  ): Promise<Response>;
  /** Any path, as alice. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Alice's. */
  readonly key: string;
  /** `POST /api/inference/cancel` as alice. */
  cancel(keys: object): Promise<void>;
  /** The id of alice's pending approval, if there is one. */
  pendingApproval(): Promise<string | undefined>;
  decide(approvalId: string, decision: 'approve' | 'deny'): Promise<void>;
  get<T>(token: abstract new (...args: never[]) => T): T;
  close(): Promise<void>;
}

export async function startChatServer(
  tools: readonly Tool[] = [],
  replacements: readonly Replacement[] = [],
): Promise<ChatServer> {
  const { url, app, engine, keys, close } = await startScriptedServer(tools, replacements);
  const headers = { authorization: `Bearer ${keys.alice}`, 'content-type': 'application/json' };
  const client = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
  return {
    url,
    engine,
    alice: client(keys.alice),
    bob: client(keys.bob),
    post: (body, { signal, headers: more } = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      }),
    fetch: (path, init) => fetch(`${url}${path}`, { ...init, headers }),
    key: keys.alice,
    cancel: async (keys) => {
      await fetch(`${url}/api/inference/cancel`, { method: 'POST', headers, body: JSON.stringify(keys) });
    },
    pendingApproval: async () => {
      const response = await fetch(`${url}/v1/agent/approvals?status=pending`, { headers });
      const { data } = (await response.json()) as { data: readonly { id: string }[] };
      return data[0]?.id;
    },
    decide: async (id, decision) => {
      const body = JSON.stringify({ decision });
      await fetch(`${url}/v1/agent/approvals/${id}`, { method: 'POST', headers, body });
    },
    get: (token) => app.get(token, { strict: false }),
    close,
  };
}

export interface SentEvent {
  readonly name: string | undefined;
  readonly id: string | undefined;
  /** Parsed, unless it is `[DONE]`. */
  readonly data: unknown;
}

/** Every server-sent event of a response that has ended, comments left out. */
export async function sentEvents(response: Response): Promise<SentEvent[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data') ?? '';
      return { name: field('event'), id: field('id'), data: data === '[DONE]' ? data : JSON.parse(data) };
    });
}

/** A function of the client that takes a city. */
export const weather = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tells the weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
} as const;
