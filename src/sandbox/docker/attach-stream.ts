import type { Duplex } from 'node:stream';
import type { KernelStream } from '../kernel/kernel-stream.js';
import { DockerDemultiplexer } from './docker-demultiplexer.js';

const MAX_CRASH_TEXT_BYTES = 8192;

/** A container's hijacked attach stream as the kernel's stdin and stdout. */
export function attachStream(stream: Duplex): KernelStream {
  let stderr = '';
  const output = new DockerDemultiplexer(stream, (bytes) => {
    stderr = (stderr + bytes.toString('utf8')).slice(-MAX_CRASH_TEXT_BYTES);
  });
  return { output, input: stream, crashText: () => stderr.trim(), destroy: () => void stream.destroy() };
}
