import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../engine.js';
import { ReceivedMessageFold } from '../received-message.js';
import { readChunk } from './chat-chunk.js';
import { TurnReader } from './turn-reader.js';

type Delta = Readonly<Record<string, unknown>>;

function read(deltas: readonly Delta[], finish: string | null, terms: Partial<TurnReader['terms']> = {}) {
  let calls = 0;
  const turn = new TurnReader(() => `call_${(calls += 1)}`, { afterText: false, calls: 'any', ...terms });
  const choices = [...deltas.map((delta) => ({ delta })), { delta: {}, finish_reason: finish }];
  const events: EngineEvent[] = choices.flatMap((choice) => {
    const chunk = readChunk({ choices: [choice] });
    return chunk === undefined ? [] : turn.read(chunk);
  });
  const end = turn.end('done');
  return { events: [...events, ...end.events], reason: end.reason };
}

function received(events: readonly EngineEvent[]) {
  const fold = new ReceivedMessageFold();
  for (const event of events) fold.add(event);
  return fold.snapshot();
}

function call(index: number, name: string | undefined, args: string): Delta {
  return { tool_calls: [{ index, id: name && `id_${index}`, function: { name, arguments: args } }] };
}

const argumentsOf = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });

describe('TurnReader', () => {
  test('opens and closes one block after the other', () => {
    const { events } = read(
      [
        { reasoning: 'Hm' },
        { content: ' \n' },
        { content: '\nLet me see.' },
        call(0, 'python', '{"a":1}'),
        { content: 'x' },
      ],
      'stop',
    );
    expect(events.map((event) => [event.type, 'block' in event ? event.block : ''].join(' ').trim())).toEqual(
      [
        'reasoning_delta',
        'content_block_stop reasoning',
        'text_delta',
        'content_block_stop text',
        'tool_call_start',
        'tool_call_delta',
        'content_block_stop tool_call',
        'text_delta',
        'content_block_stop text',
      ],
    );
    expect(received(events)).toMatchObject({ text: 'Let me see.x', reasoning: 'Hm' });
  });

  test('keeps leading spaces where a text goes on', () => {
    expect(received(read([{ content: ' on' }], 'stop', { afterText: true }).events).text).toBe(' on');
  });

  test('leaves out more calls than were allowed', () => {
    const { events } = read([call(0, 'a', '{}'), call(1, 'b', '{}')], 'tool_calls', { calls: 'one' });
    expect(received(events).completeCalls.map(({ name }) => name)).toEqual(['a']);
  });

  test('a call that is cut by the length is in flight, and what waited for it is lost', () => {
    const { events, reason } = read([call(0, 'a', '{"x'), call(1, 'b', '{}')], 'length');
    expect(reason).toBe('length');
    expect(received(events)).toMatchObject({
      completeCalls: [],
      callInFlight: { name: 'a', arguments: '{"x' },
    });
  });

  test('puts calls together from any pieces in any order of turns', () => {
    const pieces = fc
      .array(argumentsOf, { minLength: 1, maxLength: 4 })
      .chain((calls) =>
        fc.tuple(
          fc.constant(calls.map((one) => JSON.stringify(one))),
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 6 })), { maxLength: 40 }),
        ),
      );
    fc.assert(
      fc.property(pieces, ([texts, turns]) => {
        const sent = texts.map(() => 0);
        const deltas: Delta[] = texts.map((_, index) => call(index, `tool_${index}`, ''));
        for (const [pick, length] of [
          ...turns,
          ...texts.map((text, index) => [index, text.length] as const),
        ]) {
          const index = pick % texts.length;
          const from = sent[index] ?? 0;
          const piece = texts[index]?.slice(from, from + length) ?? '';
          sent[index] = from + piece.length;
          if (piece !== '') deltas.push(call(index, undefined, piece));
        }
        expect(received(read(deltas, 'tool_calls').events).completeCalls).toEqual(
          texts.map((text, index) => ({
            id: `call_${index + 1}`,
            name: `tool_${index}`,
            arguments: text,
          })),
        );
      }),
    );
  });
});
