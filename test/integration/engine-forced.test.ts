import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, GenerateRequest } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { DEMO_TOOLS, demoRequest, demoTool } from '../fixtures/models/demo-requests.js';
import { collect, textOf } from './engine-conformance.js';

const never = new AbortController().signal;

let engine: Engine;
beforeAll(() => {
  engine = demoEngine();
});
afterAll(() => engine.close());

async function made(prompt: string, overrides: Partial<GenerateRequest>) {
  const events = await collect(engine.generate(demoRequest(prompt, overrides), never));
  const last = events.at(-1);
  if (last?.type !== 'stop') throw new Error(JSON.stringify(last));
  return { events, reason: last.reason, text: textOf(events), calls: last.message.completeCalls };
}

describe('a forced call', () => {
  test('of one function is a call of it, with arguments of its schema, streamed', async () => {
    const { calls, reason, events, text } = await made('What is 1234 * 567?', { forcedTools: ['python'] });
    expect(calls).toMatchObject([{ name: 'python', arguments: expect.stringContaining('1234 * 567') }]);
    expect(Object.keys(JSON.parse(calls[0]?.arguments ?? '') as object)).toEqual(['code']);
    expect([reason, text]).toEqual(['tool_calls', '']);
    expect(events.filter(({ type }) => type === 'tool_call_delta').length).toBeGreaterThan(1);
  });

  test('comes also where the model would have said something', async () => {
    const tools = [...DEMO_TOOLS, demoTool('list_files')];
    expect((await made('Hello!', { tools })).calls).toEqual([]);
    const { calls, reason } = await made('Hello!', { tools, forcedTools: ['list_files'] });
    expect([calls.map(({ name }) => name), reason]).toEqual([['list_files'], 'tool_calls']);
  });

  test('of several is a call of one of them', async () => {
    const tools = [...DEMO_TOOLS, demoTool('weather', 'city')];
    const { calls, reason } = await made('Read notes.txt', { tools, forcedTools: ['read_file', 'weather'] });
    expect(calls).toHaveLength(1);
    expect(['read_file', 'weather']).toContain(calls[0]?.name);
    expect(reason).toBe('tool_calls');
  });

  test('that is cut off is no call', async () => {
    const { calls, reason } = await made('What is 1234 * 567?', {
      forcedTools: ['python'],
      sampling: { maxTokens: 4 },
    });
    expect([calls, reason]).toEqual([[], 'length']);
  });
});

describe('an answer in JSON', () => {
  const schema = {
    type: 'object',
    properties: { sum: { type: 'integer' }, words: { type: 'array', items: { enum: ['a', 'b'] } } },
    required: ['sum', 'words'],
  };

  test('is of the schema, whatever the model would have said', async () => {
    const { text, reason } = await made('What is 2 + 3?', {
      tools: [],
      responseFormat: { type: 'json', schema },
      sampling: { maxTokens: 400 },
    });
    if (reason === 'stop') {
      const value = JSON.parse(text) as { sum: unknown; words: unknown[] };
      expect(Number.isInteger(value.sum)).toBe(true);
      expect(value.words.every((word) => word === 'a' || word === 'b')).toBe(true);
    } else {
      // A toy may never find the end of a list; what it made is still the beginning of such an object.
      expect(text.replaceAll(/\s/g, '')).toMatch(/^\{"sum":-?\d+,"words":\[/);
    }
  });

  test('is JSON of any kind without one', async () => {
    const { text } = await made('Hello!', {
      tools: [],
      responseFormat: { type: 'json' },
      sampling: { maxTokens: 60 },
    });
    expect(text.trimStart()).toMatch(/^[{["\d\-tfn]/);
  });
});
