import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';

export type Scenario = 'text' | 'reasoning' | 'call' | 'long';

/** An engine under test, and how to make it do what a scenario needs. */
export interface EngineSubject {
  readonly engine: Engine;
  /** Prepares the next generation and returns the request that provokes it. */
  request(scenario: Scenario): GenerateRequest;
}

export async function collect(events: AsyncIterable<EngineEvent>): Promise<EngineEvent[]> {
  const all: EngineEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function textOf(events: readonly EngineEvent[]): string {
  return events.map((event) => (event.type === 'text_delta' ? event.text : '')).join('');
}

export function reasoningOf(events: readonly EngineEvent[]): string {
  return events.map((event) => (event.type === 'reasoning_delta' ? event.text : '')).join('');
}

export function isTerminal(event: EngineEvent): boolean {
  return event.type === 'stop' || event.type === 'error';
}

const never = new AbortController().signal;

/** What every engine owes its callers; run it once for each adapter. */
export function describeEngineConformance(name: string, makeSubject: () => Promise<EngineSubject>): void {
  describe(`${name} keeps the engine's contract`, () => {
    let subject: EngineSubject;
    beforeAll(async () => {
      subject = await makeSubject();
      await subject.engine.capabilities();
    });
    afterAll(() => subject.engine.close());

    const run = (scenario: Scenario, signal = never) =>
      collect(subject.engine.generate(subject.request(scenario), signal));

    test('a text ends with usage, then one stop that carries the same text', async () => {
      const events = await run('text');
      expect(textOf(events)).not.toBe('');
      expect(events.filter(isTerminal)).toHaveLength(1);
      expect(events.at(-2)?.type).toBe('usage');
      expect(events.at(-1)).toEqual({
        type: 'stop',
        reason: 'stop',
        message: { text: textOf(events), reasoning: '', completeCalls: [] },
      });
    });

    test('usage has nine figures that add up', async () => {
      const usage = (await run('text')).find((event) => event.type === 'usage')?.usage;
      expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
      expect(usage?.completion_tokens).toBeGreaterThan(0);
      expect(usage?.total_time_sec).toBeCloseTo(
        (usage?.total_prompt_time_sec ?? 0) + (usage?.total_completion_time_sec ?? 0),
        6,
      );
      expect(Object.keys(usage ?? {}).filter((key) => key !== 'prompt_tokens_details')).toHaveLength(9);
    });

    test('blocks never overlap, and each is closed', async () => {
      for (const scenario of ['text', 'reasoning', 'call'] as const) {
        expectClosedBlocks(await run(scenario));
      }
    });

    test('reasoning comes in its own block before the text or the call', async () => {
      const events = await run('reasoning');
      // A pool may tell first who is asked.
      const kinds = events.map((event) => event.type).filter((type) => type !== 'fallback');
      expect(reasoningOf(events)).not.toBe('');
      expect(kinds.indexOf('reasoning_delta')).toBe(0);
      const last = events.at(-1);
      expect(last?.type === 'stop' && last.message.reasoning).toBe(reasoningOf(events));
    });

    test('a call starts with its name, streams its arguments and stops', async () => {
      const events = await run('call');
      const start = events.find((event) => event.type === 'tool_call_start');
      const id = start?.type === 'tool_call_start' ? start.id : '';
      const text = events
        .map((event) => (event.type === 'tool_call_delta' && event.id === id ? event.arguments : ''))
        .join('');
      expect(JSON.parse(text)).toEqual({ code: 'print(1234 * 567)' });
      const last = events.at(-1);
      expect(last).toMatchObject({ type: 'stop', reason: 'tool_calls' });
      expect(last?.type === 'stop' && last.message.completeCalls).toEqual([
        { id, name: 'python', arguments: text },
      ]);
    });

    test('ids of calls are not used twice', async () => {
      const ids = [...(await run('call')), ...(await run('call'))]
        .filter((event) => event.type === 'tool_call_start')
        .map((event) => event.id);
      expect(new Set(ids).size).toBe(2);
    });

    test('an abort in the middle ends with stop: cancelled and what was received', async () => {
      const abort = new AbortController();
      const events: EngineEvent[] = [];
      for await (const event of subject.engine.generate(subject.request('long'), abort.signal)) {
        events.push(event);
        if (event.type === 'text_delta') abort.abort();
      }
      expect(events.filter(isTerminal)).toHaveLength(1);
      expect(events.at(-1)).toMatchObject({ type: 'stop', reason: 'cancelled' });
      const last = events.at(-1);
      expect(last?.type === 'stop' && last.message.text).toBe(textOf(events));
    });

    test('an abort before the start gives nothing but stop: cancelled', async () => {
      expect(await run('text', AbortSignal.abort())).toEqual([
        { type: 'stop', reason: 'cancelled', message: { text: '', reasoning: '', completeCalls: [] } },
      ]);
    });

    test('a reader that leaves early leaves the engine usable', async () => {
      for await (const event of subject.engine.generate(subject.request('long'), never)) {
        if (event.type === 'text_delta') break;
      }
      expect((await run('text')).at(-1)).toMatchObject({ type: 'stop', reason: 'stop' });
    });

    test('another model than the loaded one is an error event', async () => {
      const request = { ...subject.request('text'), model: 'no-such-model' };
      const events = await collect(subject.engine.generate(request, never));
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({
        type: 'error',
        error: { code: 'model_not_found', retryable: false },
      });
    });

    test('counts for, and tells of, no other model than the loaded one', async () => {
      const { messages, tools } = subject.request('text');
      const refusal = { name: 'EngineError', code: 'model_not_found' };
      const count = subject.engine.count({ messages, tools, model: 'no-such-model' });
      await expect(count).rejects.toMatchObject(refusal);
      await expect(subject.engine.capabilities('no-such-model')).rejects.toMatchObject(refusal);
    });

    test('the name in the capabilities is accepted as the model', async () => {
      const { model } = await subject.engine.capabilities();
      await expect(subject.engine.capabilities(model)).resolves.toMatchObject({ model });
      const events = await collect(subject.engine.generate({ ...subject.request('text'), model }, never));
      expect(events.at(-1)?.type).toBe('stop');
    });

    test('counts the tokens of a prompt', async () => {
      const { messages, tools } = subject.request('text');
      const short = await subject.engine.count({ messages, tools });
      const long = await subject.engine.count({
        messages: [...messages, { role: 'user', content: 'and what about these words' }],
        tools,
      });
      expect(long).toBeGreaterThan(short);
    });
  });
}

function expectClosedBlocks(events: readonly EngineEvent[]): void {
  let open: string | undefined;
  for (const event of events) {
    const block = blockOf(event);
    if (block === undefined) {
      expect(open, `${event.type} inside an open block`).toBeUndefined();
    } else if (event.type === 'content_block_stop') {
      expect(open).toBe(block);
      open = undefined;
    } else {
      expect(open ?? block).toBe(block);
      open = block;
    }
  }
  expect(open).toBeUndefined();
}

function blockOf(event: EngineEvent): string | undefined {
  switch (event.type) {
    case 'text_delta':
      return 'text';
    case 'reasoning_delta':
      return 'reasoning';
    case 'tool_call_start':
    case 'tool_call_delta':
      return event.id;
    case 'content_block_stop':
      return event.id ?? event.block;
    default:
      return undefined;
  }
}
