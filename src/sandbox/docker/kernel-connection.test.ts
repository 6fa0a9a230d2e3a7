import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeCallId, encodeFrame, encodeJsonFrame } from './frame-codec.js';
import { KernelConnection, type KernelListener } from './kernel-connection.js';

/** An attach stream whose other end is the test. */
function attached(): { stream: Duplex; send(stdoutOrStderr: 1 | 2, bytes: Buffer): void } {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  return {
    stream,
    send: (kind, bytes) => {
      const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(bytes.length, 4);
      stream.push(Buffer.concat([header, bytes]));
    },
  };
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
  const { stream, send } = attached();
  const connection = new KernelConnection(stream);
  const mine = listener();
  const id = connection.request({ op: 'list' }, mine);
  send(1, encodeFrame('stdout', encodeCallId(id + 7), Buffer.from('not mine')));
  send(1, encodeFrame('stdout', encodeCallId(id), Buffer.from('mine')));
  send(1, encodeJsonFrame({ type: 'done', id: id + 7 }));
  send(1, encodeJsonFrame({ type: 'done', id }));
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
])('%s ends the connection, and the request with it', async (_title, wire) => {
  const { stream, send } = attached();
  const connection = new KernelConnection(stream);
  const mine = listener();
  connection.request({ op: 'list' }, mine);
  send(1, wire);
  await mine.over;
  expect(mine.events).toEqual(['lost']);
  expect(connection.lostBecause).toContain('broke its protocol');
  await expect(connection.ready).rejects.toThrow('broke its protocol');
});

test('what a crashing kernel says is part of the reason', async () => {
  const { stream, send } = attached();
  const connection = new KernelConnection(stream);
  const lost = new Promise<void>((resolve) => connection.whenLost(resolve));
  send(2, Buffer.from('Traceback: oh no'));
  stream.push(null);
  await lost;
  expect(connection.lostBecause).toBe('the container is gone: Traceback: oh no');
});
