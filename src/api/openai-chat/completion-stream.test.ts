import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeChunks } from '../../events/merge-chunks.js';
import type { GantryEvent, PayloadOf } from '../../events/event.js';
import { CompletionStream, type CompletionTerms } from './completion-stream.js';

type Chunk = PayloadOf<'chunk'>;
type RunResponse = PayloadOf<'done'>['response'];
type Channel = 'content' | 'reasoning_content' | 'client' | 'server';

const TERMS: CompletionTerms = {
  runId: 'run_1',
  sessionId: 'sess_1',
  created: 0,
  model: 'm',
  includeUsage: false,
  isClientTool: (name) => name === 'client',
  showsEvents: false,
};

const piece = fc.record({
  channel: fc.constantFrom<Channel>('content', 'reasoning_content', 'client', 'server'),
  text: fc.string({ maxLength: 5, unit: 'grapheme' }),
});

/** A round as a worker writes it: text, then calls, whose first piece is their name. */
function chunksOf(pieces: readonly { channel: Channel; text: string }[]): Chunk[] {
  const sent = { content: 0, reasoning_content: 0, client: 0, server: 0 };
  const begun: string[] = [];
  const base = { type: 'chunk' as const, round: 0, attempt: 0 };
  return pieces.flatMap(({ channel, text }) => {
    const offset = sent[channel];
    sent[channel] += text.length;
    if (channel === 'content' || channel === 'reasoning_content') {
      return [{ ...base, offset, choices: [{ index: 0, delta: { [channel]: text }, finish_reason: null }] }];
    }
    const isNew = !begun.includes(channel);
    if (isNew) begun.push(channel);
    const index = begun.indexOf(channel);
    const call = (at: number, delta: object): Chunk => ({
      ...base,
      offset: at,
      choices: [{ index: 0, delta: { tool_calls: [{ index, ...delta } as never] }, finish_reason: null }],
    });
    const start = call(0, {
      id: `call_${channel}`,
      type: 'function',
      function: { name: channel, arguments: '' },
    });
    return [...(isNew ? [start] : []), call(offset, { function: { arguments: text } })];
  });
}

function merged(chunks: readonly Chunk[], joins: readonly boolean[]): Chunk[] {
  const out: Chunk[] = [];
  for (const [index, chunk] of chunks.entries()) {
    const last = out.at(-1);
    const joint = last !== undefined && joins[index % joins.length] ? mergeChunks(last, chunk) : undefined;
    if (joint?.type === 'chunk') out[out.length - 1] = joint;
    else out.push(chunk);
  }
  return out;
}

interface Sent {
  content: string;
  reasoning_content: string;
  arguments: string;
}

function read(chunks: readonly Chunk[]): Sent {
  const stream = new CompletionStream(TERMS);
  const sent: Sent = { content: '', reasoning_content: '', arguments: '' };
  for (const [index, chunk] of chunks.entries()) {
    const event: GantryEvent = { ...chunk, seq: index + 1, session_id: 'sess_1', run_id: 'run_1', ts: 0 };
    for (const item of stream.add(event)) {
      if (item.type !== 'chunk') throw new Error(item.type);
      const { delta } = (
        item.data as {
          choices: { delta: Partial<Sent> & { tool_calls?: Chunk['choices'][0]['delta']['tool_calls'] } }[];
        }
      ).choices[0] ?? { delta: {} };
      sent.content += delta.content ?? '';
      sent.reasoning_content += delta.reasoning_content ?? '';
      for (const call of delta.tool_calls ?? []) {
        expect(call.index).toBe(0);
        sent.arguments += call.function.arguments ?? '';
      }
    }
  }
  return sent;
}

test('however the log merged the pieces, the same text and the same arguments are sent', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      (pieces, joins) => {
        const textOf = (channel: Channel) =>
          pieces.map((one) => (one.channel === channel ? one.text : '')).join('');
        const expected = {
          content: textOf('content'),
          reasoning_content: textOf('reasoning_content'),
          arguments: textOf('client'),
        };
        expect(read(merged(chunksOf(pieces), joins))).toEqual(expected);
      },
    ),
  );
});

test('an answer that would have to be taken back fails instead', () => {
  const stream = new CompletionStream(TERMS);
  const at = { session_id: 'sess_1', run_id: 'run_1', ts: 0 };
  const [said] = chunksOf([{ channel: 'content', text: 'Hello' }]);
  if (said === undefined) throw new Error('nothing was said');
  stream.add({ ...said, ...at, seq: 1 });
  const reset = {
    type: 'stream_reset',
    round: 0,
    attempt: 1,
    to_reasoning_offset: 0,
    cause: 'engine_crash',
  } as const;
  expect(stream.add({ ...reset, ...at, to_offset: 5, seq: 2 })).toEqual([]);
  expect(stream.add({ ...reset, ...at, to_offset: 4, seq: 3 })).toMatchObject([{ type: 'failure' }]);
  expect([stream.ended, stream.isRunOver]).toEqual([true, false]);
});

test("an answer without text says whose it is all the same, as OpenAI's SDK wants it", () => {
  const response = { choices: [{ finish_reason: 'stop' }], stop_reason: 'stop' } as RunResponse;
  const at = { session_id: 'sess_1', run_id: 'run_1', ts: 0, seq: 1 };
  expect(new CompletionStream(TERMS).add({ type: 'done', response, ...at })).toMatchObject([
    { data: { choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: 'stop' }] } },
  ]);
});
