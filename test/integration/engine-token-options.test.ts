import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { collect, reasoningOf, textOf } from './engine-conformance.js';

const never = new AbortController().signal;

let engine: Engine;
beforeAll(() => {
  engine = demoEngine();
});
afterAll(() => engine.close());

const generate = (prompt: string, overrides: Partial<GenerateRequest>) =>
  collect(engine.generate(demoRequest(prompt, overrides), never));

const greedy = (logitBias: Record<string, number>) => ({
  sampling: { temperature: 0, maxTokens: 8, logitBias },
});

/** The model's token of each of its first letters: 15 special tokens, then one for each byte. */
const tokenOf = (letter: string) => String(15 + letter.charCodeAt(0));

describe('a logit bias', () => {
  test('takes a token out, or forces it, and leaves the probabilities as they are', async () => {
    const plain = await generate('Hello!', { ...greedy({}), topLogprobs: 2 });
    const [first] = plain.flatMap((event) => (event.type === 'text_delta' ? (event.logprobs ?? []) : []));
    expect(textOf(await generate('Hello!', greedy({ [tokenOf('Z')]: 100 })))).toBe('ZZZZZZZZ');
    const every = Object.fromEntries(Array.from({ length: 1021 }, (_, index) => [String(index + 3), -100]));
    const { [tokenOf('q')]: _only, ...others } = every;
    expect(textOf(await generate('Hello!', greedy(others)))).toMatch(/^q*$/);
    const biased = await generate('Hello!', { ...greedy({ [tokenOf('Z')]: 100 }), topLogprobs: 2 });
    const [forced] = biased.flatMap((event) => (event.type === 'text_delta' ? (event.logprobs ?? []) : []));
    expect(forced).toMatchObject({ token: 'Z', top_logprobs: first?.top_logprobs });
    expect(forced?.logprob).toBeLessThan(-1);
  });

  test.each([
    ['1024', /no token 1024; this model has 1024 tokens, 0 to 1023/],
    ['2', /token 2 ends a turn/],
  ])('of token %s is refused', async (id, message) => {
    const events = await generate('Hello!', greedy({ [id]: 1 }));
    expect(events).toMatchObject([{ type: 'error', error: { code: 'invalid_request' } }]);
    const [only] = events;
    expect(only?.type === 'error' && only.error.message).toMatch(message);
  });
});

describe('a thinking budget', () => {
  const prompt = 'What is 1234 * 567?';
  const thinking = { enableThinking: true, sampling: { temperature: 0 }, topLogprobs: 0 };
  const thoughts = (events: readonly EngineEvent[]) =>
    events.flatMap((event) => (event.type === 'reasoning_delta' ? (event.logprobs ?? []) : [])).length;

  test('ends the thought, and what follows it comes', async () => {
    const free = await generate(prompt, thinking);
    expect(thoughts(free)).toBeGreaterThan(8);
    const events = await generate(prompt, { ...thinking, thinkingBudget: 5 });
    expect(thoughts(events)).toBe(5);
    expect(reasoningOf(free).startsWith(reasoningOf(events))).toBe(true);
    expect(events.some(({ type }) => type === 'tool_call_start' || type === 'text_delta')).toBe(true);
    expect(textOf(events)).not.toContain('think>');
    expect(events.at(-1)).toMatchObject({ type: 'stop' });
  });

  test('that is large enough changes nothing', async () => {
    const [free, bounded] = [
      await generate(prompt, thinking),
      await generate(prompt, { ...thinking, thinkingBudget: 500 }),
    ];
    expect(reasoningOf(bounded)).toBe(reasoningOf(free));
    expect(bounded.at(-1)).toMatchObject({ reason: 'tool_calls' });
  });

  test('holds for a thought that was interrupted: it is not gone on with', async () => {
    const events = await generate(prompt, {
      ...thinking,
      thinkingBudget: 5,
      continueFrom: { reasoning: 'This is a calculation', text: '' },
    });
    expect(reasoningOf(events)).toBe('');
    expect(events.some(({ type }) => type === 'tool_call_start' || type === 'text_delta')).toBe(true);
  });
});
