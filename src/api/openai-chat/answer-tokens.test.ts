import { expect, test } from 'vitest';
import type { EventPayload, GantryEvent } from '../../events/event.js';
import { AnswerTokens } from './answer-tokens.js';

const token = (piece: string) => ({ token: piece, logprob: -1, bytes: null, top_logprobs: [] });

function chunk(round: number, offset: number, ...pieces: string[]): EventPayload {
  const logprobs = { content: pieces.map(token) };
  const choice = { index: 0, delta: { content: pieces.join('') }, logprobs, finish_reason: null };
  return { type: 'chunk', round, attempt: 0, offset, choices: [choice] };
}

function reset(to_offset: number): EventPayload {
  return {
    type: 'stream_reset',
    round: 0,
    attempt: 1,
    to_offset,
    to_reasoning_offset: 0,
    cause: 'engine_crash',
  };
}

function tokensOf(...payloads: EventPayload[]): string[] {
  const tokens = new AnswerTokens();
  for (const [index, payload] of payloads.entries()) {
    const event: GantryEvent = { ...payload, seq: index + 1, session_id: 's', run_id: 'r', ts: 0 };
    tokens.add(event);
  }
  return tokens.all.map((one) => one.token);
}

test('an answer that goes on where it broke off keeps its tokens', () => {
  expect(tokensOf(chunk(0, 0, 'The', ' sea'), reset(7), chunk(0, 7, ' is'))).toEqual(['The', ' sea', ' is']);
});

test('an answer that is begun anew has only the new ones', () => {
  expect(tokensOf(chunk(0, 0, 'The', ' sea'), reset(0), chunk(0, 0, 'A', ' sea'))).toEqual(['A', ' sea']);
});

test('an answer is what the last round says', () => {
  expect(tokensOf(chunk(0, 0, 'Let me see.'), chunk(1, 0, 'Yes.'))).toEqual(['Yes.']);
});
