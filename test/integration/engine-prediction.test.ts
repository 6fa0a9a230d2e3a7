import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { collect, textOf } from './engine-conformance.js';

const never = new AbortController().signal;

let engine: Engine;
beforeAll(() => {
  engine = demoEngine({ sequences: 1 });
});
afterAll(() => engine.close());

function ask(prompt: string, overrides: Partial<GenerateRequest>) {
  const sampling = { temperature: 0 };
  return collect(engine.generate(demoRequest(prompt, { sampling, ...overrides }), never));
}

function saidBy(events: readonly EngineEvent[]) {
  const last = events.at(-1);
  const calls = last?.type === 'stop' ? last.message.completeCalls.map(({ arguments: json }) => json) : [];
  return { text: textOf(events), calls, reason: last?.type === 'stop' && last.reason };
}

function usageOf(events: readonly EngineEvent[]) {
  const found = events.find((event) => event.type === 'usage');
  return found?.type === 'usage' ? found.usage : undefined;
}

const predicted = { prediction: 'input_lookup' } as const;
const PROMPTS = [
  'Hello!',
  'Repeat after me: the quick brown fox jumps over the lazy dog',
  'Write "alpha beta gamma delta" to notes.txt',
  'What is 1234 * 567?',
  'Search the web for the tallest towers of northern cities',
];

describe('prediction by input look-up', () => {
  test.each(PROMPTS)('says the same without heat: %s', async (prompt) => {
    for (const enableThinking of [false, true]) {
      const plain = await ask(prompt, { enableThinking });
      const quick = await ask(prompt, { enableThinking, ...predicted });
      expect(saidBy(quick)).toEqual(saidBy(plain));
      expect(usageOf(quick)?.completion_tokens).toBe(usageOf(plain)?.completion_tokens);
      expect(usageOf(plain)?.completion_tokens_details).toBeUndefined();
    }
  });

  test('tells how many guesses came true', async () => {
    const details = usageOf(await ask(PROMPTS[1] ?? '', predicted))?.completion_tokens_details;
    expect(details?.accepted_prediction_tokens).toBeGreaterThan(2);
    expect(details?.rejected_prediction_tokens).toBeGreaterThanOrEqual(0);
  });

  test('goes together with JSON of a schema and with the tokens’ probabilities', async () => {
    const overrides: Partial<GenerateRequest> = {
      tools: [],
      responseFormat: {
        type: 'json',
        schema: {
          type: 'object',
          properties: { name: { type: 'string', maxLength: 20 } },
          required: ['name'],
        },
      },
      topLogprobs: 1,
      sampling: { temperature: 0, maxTokens: 60 },
    };
    const [plain, quick] = [
      await ask('Hello!', overrides),
      await ask('Hello!', { ...overrides, ...predicted }),
    ];
    expect(saidBy(quick)).toEqual(saidBy(plain));
    const tokens = (events: readonly EngineEvent[]) =>
      events.flatMap((event) => (event.type === 'text_delta' ? (event.logprobs ?? []) : []));
    expect(tokens(quick).map(({ token }) => token)).toEqual(tokens(plain).map(({ token }) => token));
    const off = tokens(quick).map(({ logprob }, index) =>
      Math.abs(logprob - (tokens(plain)[index]?.logprob ?? 0)),
    );
    expect(Math.max(...off)).toBeLessThan(0.1);
  });

  test('leaves a sequence as it should be for the next turn, also when it is cut short', async () => {
    const long = demoRequest('Hello!', {
      tools: [],
      sampling: { temperature: 50, topK: 0, topP: 1, minP: 0, seed: 3 },
    });
    const stop = new AbortController();
    for await (const event of engine.generate({ ...long, ...predicted }, stop.signal)) {
      if (event.type === 'text_delta') stop.abort();
    }
    const after = await ask(PROMPTS[3] ?? '', {});
    const fresh = await ask(PROMPTS[3] ?? '', { sessionId: 'another', owner: 'another' });
    expect(saidBy(after)).toEqual(saidBy(fresh));
  });
});
