import { PassThrough, Writable } from 'node:stream';
import type { BootedKernel } from '../../src/sandbox/kernel/booted-kernel.js';
import { encodeJsonFrame, FrameDecoder } from '../../src/sandbox/kernel/frame-codec.js';
import { KernelConnection } from '../../src/sandbox/kernel/kernel-connection.js';

export interface StandInKernel extends BootedKernel {
  /** All that it was called, in order. */
  readonly names: string[];
}

/** A booted kernel without a place behind it, which has done whatever it is asked for. `onEnd` hears of its end, once. */
export function standInKernel(id: string, onEnd: () => void = () => undefined): StandInKernel {
  const names: string[] = [];
  const output = new PassThrough();
  const requests = new FrameDecoder();
  const input = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const { payload } of requests.feed(chunk)) {
        const request = JSON.parse(payload.toString()) as { id: number };
        output.write(encodeJsonFrame({ type: 'done', id: request.id }));
      }
      done();
    },
  });
  const connection = new KernelConnection({
    input,
    output,
    crashText: () => '',
    destroy: () => void output.destroy(),
  });
  connection.whenLost(onEnd);
  return {
    id,
    connection,
    kernel: { type: 'ready', python: '3', preloaded: [], filtered: true },
    names,
    rename: async (name) => void names.push(name),
    destroy: async () => connection.close('it was closed'),
  };
}
