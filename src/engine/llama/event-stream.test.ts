import { expect, test } from 'vitest';
import { EventStream, type StreamItem } from './event-stream.js';

async function all(stream: EventStream): Promise<StreamItem[]> {
  const items: StreamItem[] = [];
  for await (const item of stream.read()) items.push(item);
  return items;
}

test('what arrived before the break is read before it', async () => {
  const stream = new EventStream(() => undefined);
  stream.push([{ type: 'text_delta', text: 'a' }]);
  stream.break({ message: 'first' });
  stream.break({ message: 'second' });
  expect(await all(stream)).toEqual([
    { type: 'event', event: { type: 'text_delta', text: 'a' } },
    { type: 'broken', reason: { message: 'first' } },
  ]);
});

test('credit is given back only when a batch was read to its end', async () => {
  let credits = 0;
  const stream = new EventStream(() => credits++);
  stream.push([
    { type: 'text_delta', text: 'a' },
    { type: 'text_delta', text: 'b' },
  ]);
  const reader = stream.read();
  await reader.next();
  await reader.next();
  expect(credits).toBe(0);
  const third = reader.next();
  stream.push([{ type: 'text_delta', text: 'c' }]);
  await third;
  expect(credits).toBe(1);
});

test('a reader that waits is woken by a push and by a break', async () => {
  const stream = new EventStream(() => undefined);
  const items = all(stream);
  stream.push([{ type: 'text_delta', text: 'a' }]);
  await Promise.resolve();
  stream.break({ message: 'gone' });
  expect((await items).map((item) => item.type)).toEqual(['event', 'broken']);
});
