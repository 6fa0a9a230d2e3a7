import { expect, test } from 'vitest';
import { ByteQueue } from './byte-queue.js';

function drain(queue: ByteQueue): Buffer[] {
  const blocks: Buffer[] = [];
  for (let block = queue.take(); block !== undefined; block = queue.take()) blocks.push(block);
  return blocks;
}

test('what goes in comes out in order, packed into few blocks', () => {
  const queue = new ByteQueue();
  const sent = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index % 251));
  for (let index = 0; index < 30_000; index += 1) queue.append(sent.subarray(index, index + 1));
  queue.append(sent.subarray(30_000));
  expect(queue.length).toBe(40_000);
  const blocks = drain(queue);
  expect(Buffer.concat(blocks).equals(sent)).toBe(true);
  expect(blocks).toHaveLength(3);
  expect(queue.length).toBe(0);
});

test('a block that was taken is not written into again', () => {
  const queue = new ByteQueue();
  queue.append(Buffer.from('one'));
  const taken = queue.take();
  queue.append(Buffer.from('two'));
  expect(taken?.toString()).toBe('one');
  expect(drain(queue).map(String)).toEqual(['two']);
  queue.append(Buffer.from('gone'));
  queue.clear();
  expect(queue.take()).toBeUndefined();
});
