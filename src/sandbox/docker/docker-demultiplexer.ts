import { Transform, type TransformCallback } from 'node:stream';

const HEADER_BYTES = 8;
const MAX_CHUNK_BYTES = 16 * 2 ** 20;
const STDOUT = 1;
const STDERR = 2;

/**
 * Takes apart an engine's attach stream (`u8 stream | 3 zero bytes | u32be length | bytes`): what
 * the container wrote to stdout comes out here, its stderr goes to `onStderr`. Passes bytes on as
 * they come, holds nothing but a split header, and honours its reader's backpressure.
 */
export class DockerDemultiplexer extends Transform {
  #header = Buffer.alloc(0);
  #stream = 0;
  #remaining = 0;

  constructor(private readonly onStderr: (bytes: Buffer) => void) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#remaining === 0) {
        const needed = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, needed)]);
        rest = rest.subarray(needed);
        if (this.#header.length < HEADER_BYTES) break;
        this.#stream = this.#header.readUInt8(0);
        this.#remaining = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        if (this.#remaining > MAX_CHUNK_BYTES || (this.#stream !== STDOUT && this.#stream !== STDERR)) {
          done(new Error('the engine sent an attach stream that cannot be read'));
          return;
        }
        continue;
      }
      const payload = rest.subarray(0, this.#remaining);
      rest = rest.subarray(payload.length);
      this.#remaining -= payload.length;
      if (this.#stream === STDOUT) this.push(payload);
      else this.onStderr(payload);
    }
    done();
  }
}
