import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { containerStream } from './container-stream.js';
import { HostSocket } from './host-socket.js';

function attachedStream() {
  const [output, input] = [new PassThrough(), new PassThrough()];
  const destroy = (): void => {
    output.destroy();
    input.destroy();
  };
  return { output, input, crashText: () => 'Traceback', destroy };
}

test('a kernel that comes to the socket is spoken to there', async () => {
  const meeting = await HostSocket.open();
  const attached = attachedStream();
  const carried = containerStream(attached, meeting);
  const kernel = connect(join(meeting.folder, 'host'));
  const stream = await carried;
  kernel.write('ready');
  expect(String((await once(stream.output, 'data'))[0])).toBe('ready');
  stream.input.write('1+1');
  expect(String((await once(kernel, 'data'))[0])).toBe('1+1');
  expect(stream.crashText()).toBe('Traceback');
  // The engine may go away meanwhile.
  attached.output.destroy(new Error('the engine restarts'));
  kernel.write('2');
  expect(String((await once(stream.output, 'data'))[0])).toBe('2');
  stream.destroy();
  await once(kernel, 'close');
  expect(attached.input.destroyed).toBe(true);
});

test('one that speaks at its stdout is spoken to there, and nothing of it is lost', async () => {
  const meeting = await HostSocket.open();
  const attached = attachedStream();
  const carried = containerStream(attached, meeting);
  attached.output.write('ready');
  const stream = await carried;
  expect(stream).toBe(attached);
  expect(String((await once(stream.output, 'data'))[0])).toBe('ready');
  await meeting.close();
});

test('one that is gone before it spoke is told of, with how it crashed', async () => {
  const meeting = await HostSocket.open();
  const attached = attachedStream();
  const carried = containerStream(attached, meeting);
  attached.destroy();
  await expect(carried).rejects.toThrow('the sandbox is gone: Traceback');
  await meeting.close();
});
