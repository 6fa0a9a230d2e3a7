import type { Socket } from 'node:net';
import type { KernelStream } from '../kernel/kernel-stream.js';
import type { HostSocket } from './host-socket.js';

/**
 * What carries the kernel's frames: the socket, if it came to meet its host there, else the stdin and stdout that the
 * engine carries. Rejects when the container is gone before it said anything.
 */
export function containerStream(
  attached: KernelStream,
  meeting: HostSocket | undefined,
): Promise<KernelStream> {
  if (meeting === undefined) return Promise.resolve(attached);
  const { promise, resolve, reject } = Promise.withResolvers<KernelStream>();
  const { output, input } = attached;
  const onGone = (error?: Error): void => {
    const crash = attached.crashText();
    const reason = error?.message ?? 'the sandbox is gone';
    reject(new Error(crash === '' ? reason : `${reason}: ${crash}`));
  };
  const onSpeaking = (): void => settle(() => resolve(attached));
  const settle = (how: () => void): void => {
    for (const part of [output, input]) {
      part.off('error', onGone);
      part.off('close', onGone);
    }
    output.off('readable', onSpeaking);
    how();
  };
  for (const part of [output, input]) {
    part.once('error', onGone);
    part.once('close', onGone);
  }
  output.once('readable', onSpeaking);
  void meeting.connected.then((socket) => settle(() => resolve(socketStream(socket, attached))));
  return promise;
}

/** The engine's stream only tells how the kernel crashed then; its loss alone ends nothing. */
function socketStream(socket: Socket, attached: KernelStream): KernelStream {
  attached.output.on('error', () => undefined);
  attached.input.on('error', () => undefined);
  attached.output.resume();
  return {
    output: socket,
    input: socket,
    crashText: () => attached.crashText(),
    destroy: () => {
      socket.destroy();
      attached.destroy();
    },
  };
}
