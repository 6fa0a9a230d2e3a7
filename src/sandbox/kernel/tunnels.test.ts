import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import {
  INITIAL_CREDIT_BYTES,
  INITIAL_STREAMS,
  MAX_TUNNEL_DATA_BYTES,
  decodeTunnelFrame,
  encodeTunnelFrame,
  type TunnelFrame,
} from './tunnel-frames.js';
import { Tunnels } from './tunnels.js';

/** The kernel's end, played by the test. */
class Kernel {
  readonly sent: TunnelFrame[] = [];
  readonly served: Duplex[] = [];
  readonly tunnels: Tunnels;
  /** How many frames the link takes before it is full. */
  room = Number.POSITIVE_INFINITY;
  #drained: (() => void) | undefined;

  constructor(idleMs = 60_000) {
    const link = {
      send: (payload: Buffer) => {
        this.sent.push(decodeTunnelFrame(payload));
        this.room -= 1;
        return this.room > 0;
      },
      onDrain: (callback: () => void) => {
        this.#drained = callback;
      },
    };
    this.tunnels = new Tunnels(link, (connection) => void this.served.push(connection), idleMs);
  }

  says(frame: TunnelFrame): void {
    this.tunnels.receive(encodeTunnelFrame(frame));
  }

  open(stream: number): Duplex {
    this.says({ operation: 'open', stream });
    const connection = this.served.at(-1);
    if (connection === undefined) throw new Error('nobody served it');
    return connection;
  }

  drain(room: number): void {
    this.room = room;
    this.#drained?.();
  }

  dataFor(stream: number): string {
    const parts = this.sent.flatMap((frame) =>
      frame.operation === 'data' && frame.stream === stream ? [frame.bytes] : [],
    );
    return Buffer.concat(parts).toString();
  }

  operationsFor(stream: number): string[] {
    return this.sent.filter((frame) => frame.stream === stream).map((frame) => frame.operation);
  }
}

const data = (stream: number, size: number, fill = 'x'): TunnelFrame => ({
  operation: 'data',
  stream,
  bytes: Buffer.alloc(size, fill),
});

test('bytes go both ways, and each way ends by itself', async () => {
  const kernel = new Kernel();
  const connection = kernel.open(1);
  kernel.says({ operation: 'data', stream: 1, bytes: Buffer.from('question') });
  kernel.says({ operation: 'end', stream: 1 });
  expect(await text(connection)).toBe('question');
  connection.end('answer');
  await once(connection, 'close');
  expect(kernel.dataFor(1)).toBe('answer');
  expect(kernel.operationsFor(1)).toEqual(['data', 'end']);
  expect(kernel.tunnels.open).toBe(0);
});

test('the kernel says when it takes connections, or why it cannot', async () => {
  const kernel = new Kernel();
  const started = kernel.tunnels.start(3128, { NAME: 'value' });
  expect(kernel.sent).toEqual([
    { operation: 'start', stream: 0, text: '{"port":3128,"environment":{"NAME":"value"}}' },
  ]);
  kernel.says({ operation: 'start', stream: 0, text: '' });
  await started;
  const refused = new Kernel();
  const refusal = refused.tunnels.start(3128, {});
  refused.says({ operation: 'start', stream: 0, text: 'port in use' });
  await expect(refusal).rejects.toThrow('port in use');
  const lost = new Kernel();
  const never = lost.tunnels.start(3128, {});
  lost.tunnels.close();
  await expect(never).rejects.toThrow('gone');
});

test('nothing is sent over the credit, and more of it goes on', async () => {
  const kernel = new Kernel();
  const connection = kernel.open(1);
  connection.write(Buffer.alloc(INITIAL_CREDIT_BYTES + 10, 'a'));
  expect(kernel.dataFor(1)).toHaveLength(INITIAL_CREDIT_BYTES);
  kernel.says({ operation: 'credit', stream: 1, amount: 4 });
  expect(kernel.dataFor(1)).toHaveLength(INITIAL_CREDIT_BYTES + 4);
  expect(kernel.sent.every((frame) => frame.operation !== 'data' || frame.bytes.length <= 16_384)).toBe(true);
  kernel.tunnels.close();
});

test('credit is given back as the bytes are read, not before', async () => {
  const kernel = new Kernel();
  const connection = kernel.open(1);
  for (let sent = 0; sent < INITIAL_CREDIT_BYTES; sent += MAX_TUNNEL_DATA_BYTES) {
    kernel.says(data(1, MAX_TUNNEL_DATA_BYTES));
  }
  expect(kernel.operationsFor(1)).toEqual([]);
  expect(connection.readableLength).toBeLessThanOrEqual(MAX_TUNNEL_DATA_BYTES);
  let read = 0;
  await new Promise<void>((resolve) => {
    connection.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read === INITIAL_CREDIT_BYTES) resolve();
    });
  });
  const given = kernel.sent.reduce(
    (sum, frame) => sum + (frame.operation === 'credit' ? frame.amount : 0),
    0,
  );
  expect(given).toBeGreaterThan(INITIAL_CREDIT_BYTES / 2);
  expect(given).toBeLessThanOrEqual(INITIAL_CREDIT_BYTES);
  kernel.tunnels.close();
});

test('a full link is waited for, and streams take turns on it', () => {
  const kernel = new Kernel();
  const [one, two] = [kernel.open(1), kernel.open(2)];
  kernel.room = 1;
  one.write(Buffer.alloc(3 * MAX_TUNNEL_DATA_BYTES, '1'));
  two.write(Buffer.alloc(3 * MAX_TUNNEL_DATA_BYTES, '2'));
  expect(kernel.sent).toHaveLength(1);
  kernel.drain(4);
  expect(kernel.sent.map((frame) => frame.stream)).toEqual([1, 1, 2, 1, 2]);
  kernel.tunnels.close();
});

test.each<[string, readonly TunnelFrame[]]>([
  ['data for a stream that was never opened', [data(7, 1)]],
  ['credit for a stream that was never opened', [{ operation: 'credit', stream: 1, amount: 1 }]],
  ['credit for opening', [{ operation: 'credit', stream: 0, amount: 1000 }]],
  ['a start that nobody asked for', [{ operation: 'start', stream: 0, text: '' }]],
  ['a number left out', [{ operation: 'open', stream: 2 }]],
  [
    'a stream opened twice',
    [
      { operation: 'open', stream: 1 },
      { operation: 'open', stream: 1 },
    ],
  ],
  [
    'credit that was never used',
    [
      { operation: 'open', stream: 1 },
      { operation: 'credit', stream: 1, amount: 2 ** 32 - 1 },
    ],
  ],
  [
    'data over the credit',
    [{ operation: 'open', stream: 1 }, ...Array.from({ length: 9 }, () => data(1, MAX_TUNNEL_DATA_BYTES))],
  ],
  ['data after the end', [{ operation: 'open', stream: 1 }, { operation: 'end', stream: 1 }, data(1, 1)]],
  [
    'two ends',
    [
      { operation: 'open', stream: 1 },
      { operation: 'end', stream: 1 },
      { operation: 'end', stream: 1 },
    ],
  ],
  [
    'a stream too many',
    Array.from({ length: INITIAL_STREAMS + 1 }, (_, index) => ({
      operation: 'open' as const,
      stream: index + 1,
    })),
  ],
])('%s is refused', (_title, frames) => {
  const kernel = new Kernel();
  expect(() => frames.forEach((frame) => kernel.says(frame))).toThrow(/tunnel/);
  kernel.tunnels.close();
});

test.each([
  ['too short', Buffer.from([0, 0, 0, 1])],
  ['of an unknown operation', Buffer.from([0, 0, 0, 1, 0x7a])],
  ['an open with a body', Buffer.from([0, 0, 0, 1, 0x6f, 1])],
  ['a start on a stream', Buffer.from([0, 0, 0, 1, 0x73])],
  ['a start with a long excuse', Buffer.concat([Buffer.from([0, 0, 0, 0, 0x73]), Buffer.alloc(4097)])],
  ['a credit cut short', Buffer.from([0, 0, 0, 1, 0x63, 1])],
  ['data without data', Buffer.from([0, 0, 0, 1, 0x64])],
  ['data over the cap', Buffer.concat([Buffer.from([0, 0, 0, 1, 0x64]), Buffer.alloc(16_385)])],
])('a frame %s is refused', (_title, payload) => {
  expect(() => new Kernel().tunnels.receive(payload)).toThrow(/tunnel/);
});

test('thousands of streams one after another hold no more than the allowed ones', () => {
  const kernel = new Kernel();
  kernel.room = 3;
  let id = 0;
  expect(() => {
    for (; id < 5000;) {
      id += 1;
      kernel.open(id).destroy();
      kernel.says({ operation: 'reset', stream: id });
    }
  }).toThrow('more tunnels than were allowed');
  // Their answers wait for the link: a kernel that reads nothing is owed nothing more.
  expect(id).toBeLessThanOrEqual(2 * INITIAL_STREAMS);
  expect(kernel.sent.length).toBeLessThanOrEqual(3);
  kernel.tunnels.close();
});

test('streams that are over may be followed by as many others', async () => {
  const kernel = new Kernel();
  let openable = INITIAL_STREAMS;
  for (let id = 1; id <= 500; id += 1) {
    expect(openable).toBeGreaterThan(0);
    const connection = kernel.open(id);
    openable -= 1;
    connection.resume().end('bye');
    kernel.says({ operation: 'end', stream: id });
    await once(connection, 'close');
    for (const frame of kernel.sent.splice(0)) {
      if (frame.operation === 'credit' && frame.stream === 0) openable += frame.amount;
    }
  }
  expect(kernel.tunnels.open).toBe(0);
  kernel.tunnels.close();
});

test('what crosses with a reset is dropped', () => {
  const kernel = new Kernel();
  kernel.open(1).destroy();
  expect(kernel.operationsFor(1)).toEqual(['reset']);
  for (const operation of ['data', 'end', 'reset', 'credit'] as const) {
    if (operation === 'data') kernel.says(data(1, 10));
    else if (operation === 'credit') kernel.says({ operation, stream: 1, amount: 1 });
    else kernel.says({ operation, stream: 1 });
  }
  expect(kernel.operationsFor(1)).toEqual(['reset']);
});

test('an idle stream is given up, and the end of the kernel ends them all', async () => {
  const idle = new Kernel(1);
  await once(idle.open(1), 'close');
  expect(idle.operationsFor(1)).toEqual(['reset']);
  const kernel = new Kernel();
  const closed = [kernel.open(1), kernel.open(2)].map((connection) => once(connection, 'close'));
  kernel.tunnels.close();
  await Promise.all(closed);
  expect(kernel.sent).toEqual([]);
});

test('a write that waits for credit fails when the stream goes', async () => {
  const kernel = new Kernel();
  const connection = kernel.open(1);
  const written = new Promise<Error | null | undefined>((resolve) => {
    connection.write(Buffer.alloc(2 * INITIAL_CREDIT_BYTES), resolve);
  });
  kernel.says({ operation: 'reset', stream: 1 });
  expect(await written).toBeInstanceOf(Error);
});
