import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeCallId, encodeFrame, encodeJsonFrame } from './frame-codec.js';
import { KernelConnection, type KernelListener } from './kernel-connection.js';
import type { KernelStream } from './kernel-stream.js';
import { newTakeOver } from './take-over.js';

/** A kernel's stdin and stdout, whose other end is the test. */
function attached(crashText = ''): { stream: KernelStream; output: PassThrough } {
  const output = new PassThrough();
  const input = new Writable({ write: (_chunk, _encoding, done) => done() });
  return { stream: { output, input, crashText: () => crashText, destroy: () => output.destroy() }, output };
}

function listener(): KernelListener & { events: string[]; over: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events: string[] = [];
  return {
    events,
    over: promise,
    frame: (kind, body) => void events.push(`${kind} ${body.toString()}`),
    answer: ({ type }) => {
      events.push(type);
      resolve();
    },
    lost: () => {
      events.push('lost');
      resolve();
    },
  };
}

test('frames go to the request they name; others are dropped', async () => {
  const { stream, output } = attached();
  const connection = new KernelConnection(stream);
  const mine = listener();
  const id = connection.request({ op: 'list' }, mine);
  output.write(encodeFrame('stdout', encodeCallId(id + 7), Buffer.from('not mine')));
  output.write(encodeFrame('stdout', encodeCallId(id), Buffer.from('mine')));
  output.write(encodeJsonFrame({ type: 'done', id: id + 7 }));
  output.write(encodeJsonFrame({ type: 'done', id }));
  await mine.over;
  expect(mine.events).toEqual(['stdout mine', 'done']);
  connection.close('over');
});

test.each([
  ['JSON that is none', encodeFrame('json', Buffer.from('{'))],
  ['a message of an unknown type', encodeJsonFrame({ type: 'sudo', id: 1 })],
  [
    'a result with fields of wrong types',
    encodeJsonFrame({ type: 'result', id: 1, outcome: 'won', changes: {} }),
  ],
  ['a frame too short to name a request', encodeFrame('stdout', Buffer.from('x'))],
  ['an unknown kind of frame', Buffer.from([0, 0, 0, 0, 1])],
  ['a tunnel where none may be', encodeFrame('tunnel', Buffer.from([0, 0, 0, 1, 0x6f]))],
])('%s ends the connection, and the request with it', async (_title, wire) => {
  const { stream, output } = attached();
  const connection = new KernelConnection(stream);
  const mine = listener();
  connection.request({ op: 'list' }, mine);
  output.write(wire);
  await mine.over;
  expect(mine.events).toEqual(['lost']);
  expect(connection.lostBecause).toContain('broke its protocol');
  await expect(connection.ready).rejects.toThrow('broke its protocol');
});

test('what a crashing kernel says is part of the reason', async () => {
  const { stream, output } = attached('Traceback: oh no');
  const connection = new KernelConnection(stream);
  const lost = new Promise<void>((resolve) => connection.whenLost(resolve));
  output.end();
  await lost;
  expect(connection.lostBecause).toBe('the sandbox is gone: Traceback: oh no');
});

test('who does not want to hear of the end any more does not', () => {
  const { stream } = attached();
  const connection = new KernelConnection(stream);
  const heard: string[] = [];
  const stop = connection.whenLost(() => heard.push('first'));
  connection.whenLost(() => heard.push('second'));
  stop();
  connection.close('over');
  expect(heard).toEqual(['second']);
});

test('frames of tunnels go to their taker, whose refusal ends the connection', async () => {
  const { stream, output } = attached();
  const connection = new KernelConnection(stream);
  const lost = new Promise<void>((resolve) => connection.whenLost(resolve));
  const taken: string[] = [];
  connection.carryTunnels((payload) => {
    if (payload.toString() === 'bad') throw new Error('no tunnel');
    taken.push(payload.toString());
  });
  output.write(
    Buffer.concat(['good', 'bad', 'late'].map((text) => encodeFrame('tunnel', Buffer.from(text)))),
  );
  await lost;
  expect(taken).toEqual(['good']);
  expect(connection.lostBecause).toContain('no tunnel');
});

test('one that takes over asks first, and hears nothing of what was said before the answer', async () => {
  const output = new PassThrough();
  const sent: Buffer[] = [];
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      sent.push(chunk);
      done();
    },
  });
  const takeOver = newTakeOver(Buffer.alloc(32, 1));
  const stream = { output, input, crashText: () => '', destroy: () => output.destroy() };
  const connection = new KernelConnection(stream, takeOver);
  expect(sent).toEqual([takeOver.request]);
  const mine = listener();
  const id = connection.request({ op: 'list' }, mine);
  output.write(encodeJsonFrame({ type: 'done', id }).subarray(3));
  output.write(encodeJsonFrame({ type: 'refused', id, code: 'refused', message: 'of another' }));
  output.write(takeOver.answer);
  output.write(encodeJsonFrame({ type: 'ready', python: '3', preloaded: [], filtered: true }));
  output.write(encodeJsonFrame({ type: 'done', id }));
  await mine.over;
  expect(mine.events).toEqual(['done']);
  expect((await connection.ready).python).toBe('3');
  connection.close('over');
});

test('a kernel that another server has taken over is not spoken to any more', async () => {
  const { stream, output } = attached();
  const connection = new KernelConnection(stream);
  const lost = Promise.withResolvers<void>();
  connection.whenLost(lost.resolve);
  output.write(newTakeOver(Buffer.alloc(32, 1)).answer);
  await lost.promise;
  expect(connection.lostBecause).toBe('another server has taken it over');
});
