import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { collect, reasoningOf, textOf } from './engine-conformance.js';

const never = new AbortController().signal;
const HOT = { temperature: 3, topK: 0, topP: 1, minP: 0, seed: 7, maxTokens: 30 };
const GREEDY = { temperature: 0 };

let engine: Engine;
beforeAll(() => {
  engine = demoEngine();
});
afterAll(() => engine.close());

const generate = (prompt: string, overrides: Partial<GenerateRequest> = {}) =>
  collect(engine.generate(demoRequest(prompt, { topLogprobs: 5, ...overrides }), never));

function tokensOf(events: readonly EngineEvent[], type: 'text_delta' | 'reasoning_delta' = 'text_delta') {
  return events.flatMap((event) => (event.type === type ? (event.logprobs ?? []) : []));
}

const decode = (tokens: ReturnType<typeof tokensOf>) =>
  Buffer.from(tokens.flatMap(({ bytes }) => bytes ?? [])).toString();

describe('the probabilities of tokens', () => {
  test('come with each token of the text, whose bytes are the text', async () => {
    const events = await generate('Hello!', { sampling: GREEDY });
    const tokens = tokensOf(events);
    expect(tokens.length).toBeGreaterThan(3);
    expect(decode(tokens)).toBe(textOf(events));
    for (const { top_logprobs: top, ...taken } of tokens) {
      expect(top).toHaveLength(5);
      // Without heat the likeliest is taken.
      expect(top[0]).toEqual(taken);
      const logprobs = top.map(({ logprob }) => logprob);
      expect(logprobs).toEqual(logprobs.toSorted((a, b) => b - a));
      const sum = logprobs.reduce((all, logprob) => all + Math.exp(logprob), 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual(1.0001);
    }
  });

  test('are not there when nobody asked', async () => {
    const events = await collect(engine.generate(demoRequest('Hello!'), never));
    expect(events.some((event) => 'logprobs' in event)).toBe(false);
  });

  test('change nothing of what is said', async () => {
    for (const sampling of [GREEDY, HOT]) {
      const events = await generate('Hello!', { sampling });
      const plain = await collect(engine.generate(demoRequest('Hello!', { sampling }), never));
      expect(textOf(events)).toBe(textOf(plain));
    }
  });

  test('are what the model held, whatever the sampling made of it', async () => {
    const [cold] = tokensOf(await generate('Hello!', { sampling: GREEDY }));
    const biased = { ...HOT, repetitionPenalty: 2, topK: 3 };
    const [hot] = tokensOf(await generate('Hello!', { sampling: biased }));
    expect(hot?.top_logprobs).toEqual(cold?.top_logprobs);
    const likeliest = tokensOf(await generate('Hello!', { sampling: HOT })).map(
      ({ logprob, top_logprobs: [best] }) => logprob === best?.logprob,
    );
    expect(likeliest).toContain(false);
  });

  test('come with the thoughts as well, and not with calls', async () => {
    const events = await generate('What is 1234 * 567?', { enableThinking: true, sampling: GREEDY });
    expect(decode(tokensOf(events, 'reasoning_delta')).trim()).toBe(reasoningOf(events).trim());
    expect(events.some(({ type }) => type === 'tool_call_start')).toBe(true);
    expect(tokensOf(events)).toEqual([]);
  });

  test('know the bytes of a token that is a part of a character', async () => {
    const events = await generate('Hello!', { sampling: { ...HOT, temperature: 50, maxTokens: 60 } });
    const tokens = tokensOf(events);
    const parts = tokens.filter(({ token }) => token.startsWith('\\x'));
    expect(parts.length).toBeGreaterThan(0);
    for (const { token, bytes } of parts) expect(bytes).toEqual([Number.parseInt(token.slice(2), 16)]);
  });

  test('of what a stop cut off are left out', async () => {
    const whole = textOf(await generate('Hello!', { sampling: GREEDY }));
    const stop = whole.slice(8, 14);
    const events = await generate('Hello!', { sampling: { ...GREEDY, stop: [stop] } });
    expect(textOf(events)).toBe(whole.slice(0, 8).trimEnd());
    expect(textOf(events).startsWith(decode(tokensOf(events)))).toBe(true);
  });
});
