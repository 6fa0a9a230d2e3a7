import type { ServerResponse } from 'node:http';
import type { EngineErrorCode, InterruptionCause } from '../../../src/engine/engine-error.js';
import { chunk, DONE, openStream, type Answer } from '../scripted-upstream.js';

/** How the generation has to end. What is not given is not looked at. */
export type ExpectedEnd =
  | {
      readonly stop: 'stop' | 'tool_calls' | 'length';
      readonly text?: string;
      readonly reasoning?: string;
      /** Name and arguments. */
      readonly calls?: readonly (readonly [string, string])[];
      /** Tokens of prompt and answer. */
      readonly usage?: readonly [number, number];
    }
  | {
      readonly error: EngineErrorCode;
      readonly interruption?: InterruptionCause;
      readonly retryAfterMs?: number;
      readonly says?: RegExp;
      readonly text?: string;
    };

export interface Misbehaviour {
  readonly play: Answer;
  readonly end: ExpectedEnd;
}

/** What the engine under test is given, so that the bounds can be reached. */
export const TEST_LIMITS = { eventChars: 20_000, answerChars: 50_000, closingMs: 100 } as const;
export const TEST_KEY = 'upstream-key-0123456789';

export const HELLO: ExpectedEnd = { stop: 'stop', text: 'Hello, wörld' };
export const HELLO_STREAM = `${chunk({ content: 'Hello, ' })}${chunk({ content: 'wörld' })}${chunk({}, 'stop')}${DONE}`;

export function streams(text: string): Answer {
  return (response) => {
    openStream(response);
    response.end(text);
  };
}

export function refuses(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Each piece leaves in a packet of its own: the next is written when the kernel has the one before. */
export async function writeSingly(response: ServerResponse, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    const { promise, resolve } = Promise.withResolvers<void>();
    response.write(piece, () => setImmediate(resolve));
    await promise;
  }
}

export function piece(
  index: number | undefined,
  id: string | undefined,
  name: string | undefined,
  args: unknown,
) {
  return { index, id, type: 'function', function: { name, arguments: args } };
}
export const calls = (...pieces: readonly unknown[]) => chunk({ tool_calls: pieces });
export const ended = (finish: string) => chunk({}, finish) + DONE;
export const PYTHON = ['python', '{"code":"1"}'] as const;
export const SEARCH = ['search', '{"query":"x"}'] as const;
