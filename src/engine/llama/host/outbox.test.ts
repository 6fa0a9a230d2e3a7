import { describe, expect, test } from 'vitest';
import { EVENT_CREDIT, type FromHost, type HostEvent } from '../protocol.js';
import { Outbox } from './outbox.js';

type Batch = Extract<FromHost, { type: 'events' }>;

function outbox() {
  const sent: Batch[] = [];
  const box = new Outbox(7, (message) => {
    if (message.type === 'events') sent.push(message);
  });
  return { box, sent, events: () => sent.flatMap((batch) => batch.events) };
}

/** Not a delta, so it is never held back for company. */
const mark = (id: string): HostEvent => ({ type: 'tool_call_start', id, name: 'x' });

describe('Outbox', () => {
  test('never has more batches on the way than the credit', () => {
    const { box, sent } = outbox();
    for (let index = 0; index < EVENT_CREDIT * 3; index++) box.push(mark(String(index)));
    expect(sent).toHaveLength(EVENT_CREDIT);
    expect(box.empty).toBe(false);
  });

  test('melts the deltas that wait for a slow reader into one', () => {
    const { box, sent } = outbox();
    for (let index = 0; index < EVENT_CREDIT; index++) box.push(mark(String(index)));
    for (const text of ['a', 'b', 'c']) box.push({ type: 'text_delta', text });
    box.push({ type: 'content_block_stop', block: 'text' });
    box.push({ type: 'tool_call_delta', id: '1', arguments: '{' });
    box.push({ type: 'tool_call_delta', id: '1', arguments: '}' });
    box.addCredit(1);
    expect(sent.at(-1)?.events).toEqual([
      { type: 'text_delta', text: 'abc' },
      { type: 'content_block_stop', block: 'text' },
      { type: 'tool_call_delta', id: '1', arguments: '{}' },
    ]);
    expect(box.empty).toBe(true);
  });

  test('an end never waits for company, and nothing changes its order', () => {
    const { box, events } = outbox();
    box.push({ type: 'text_delta', text: 'a' });
    box.push({ type: 'text_delta', text: 'b' });
    box.push({ type: 'stop', reason: 'stop' });
    expect(events()).toEqual([
      { type: 'text_delta', text: 'a' },
      { type: 'text_delta', text: 'b' },
      { type: 'stop', reason: 'stop' },
    ]);
  });
});
