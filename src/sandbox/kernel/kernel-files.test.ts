import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeCallId, encodeFrame, encodeJsonFrame, FrameDecoder } from './frame-codec.js';
import { KernelConnection } from './kernel-connection.js';
import { pendingChanges, readFile } from './kernel-files.js';

/** A kernel that the test speaks for: `asked` is what it was asked for, `send` a piece of file for its first request. */
function kernel() {
  const asked: string[] = [];
  const output = new PassThrough();
  const frames = new FrameDecoder();
  const input = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const { payload } of frames.feed(chunk))
        asked.push((JSON.parse(payload.toString()) as { op: string }).op);
      done();
    },
  });
  const connection = new KernelConnection({
    input,
    output,
    crashText: () => '',
    destroy: () => void output.destroy(),
  });
  const send = (...pieces: string[]): void => {
    output.write(
      Buffer.concat(pieces.map((piece) => encodeFrame('data', encodeCallId(1), Buffer.from(piece)))),
    );
  };
  const end = (fields = {}): void => void output.write(encodeJsonFrame({ type: 'done', id: 1, ...fields }));
  return { connection, asked, send, end };
}

test('each piece that is taken asks for another', async () => {
  const { connection, asked, send, end } = kernel();
  const pieces = readFile(connection, 'a', 100);
  const first = pieces.next();
  send('one', 'two', 'three', 'four');
  expect(Buffer.from((await first).value ?? []).toString()).toBe('one');
  const second = pieces.next();
  send('five');
  end();
  const rest = [(await second).value];
  for await (const piece of pieces) rest.push(piece);
  expect(Buffer.concat(rest.map((piece) => Buffer.from(piece ?? []))).toString()).toBe('twothreefourfive');
  expect(asked.slice(0, 2)).toEqual(['read', 'more']);
  connection.close('over');
});

test.each([
  ['more than it was asked for', 100, ['1', '2', '3', '4', '5']],
  ['more than the file may have', 5, ['123', '456']],
])('a kernel that sends %s is lost', async (_title, maxBytes, pieces) => {
  const { connection, send } = kernel();
  const reading = readFile(connection, 'a', maxBytes).next();
  send(...pieces);
  await reading.catch(() => undefined);
  expect(connection.lostBecause).toContain('more of a file than was asked for');
});

test('what is pending comes as the changes of a call do', async () => {
  const { connection, asked, end } = kernel();
  const pending = pendingChanges(connection);
  const log = { change: 'modified', path: 'log', bytes: 3, modifiedAtMs: 1, executable: false };
  end({ changes: [log, { change: 'deleted', path: 'old' }] });
  expect(await pending).toEqual([log, { change: 'deleted', path: 'old' }]);
  expect(asked).toEqual(['pending']);
  connection.close('over');
});
