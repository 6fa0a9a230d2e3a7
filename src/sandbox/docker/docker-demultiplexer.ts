import { Readable } from 'node:stream';

const HEADER_BYTES = 8;
const MAX_CHUNK_BYTES = 16 * 2 ** 20;
const STDOUT = 1;
const STDERR = 2;

/**
 * Takes apart an engine's attach stream (`u8 stream | 3 zero bytes | u32be length | bytes`): what
 * the container wrote to stdout comes out here, its stderr goes to `onStderr`. Passes bytes on as
 * they come, holds nothing but a split header, and lets the engine wait while its reader does.
 */
export class DockerDemultiplexer extends Readable {
  #splitHeader = Buffer.alloc(0);
  #stream = STDOUT;
  #remaining = 0;

  constructor(
    private readonly source: Readable,
    private readonly onStderr: (bytes: Buffer) => void,
  ) {
    super();
    source.on('data', (chunk: Buffer) => this.#takeApart(chunk));
    source.on('end', () => this.push(null));
    source.on('error', (error: Error) => this.destroy(error));
    source.on('close', () => {
      if (!source.readableEnded) this.destroy();
    });
  }

  override _read(): void {
    this.source.resume();
  }

  #takeApart(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.destroyed)
      rest = this.#remaining === 0 ? this.#header(rest) : this.#body(rest);
  }

  /** What is left of the bytes. */
  #header(bytes: Buffer): Buffer {
    const held = this.#splitHeader.length;
    const header =
      held === 0 ? bytes : Buffer.concat([this.#splitHeader, bytes.subarray(0, HEADER_BYTES - held)]);
    if (header.length < HEADER_BYTES) {
      this.#splitHeader = Buffer.from(header);
      return bytes.subarray(bytes.length);
    }
    if (held > 0) this.#splitHeader = Buffer.alloc(0);
    this.#stream = header.readUInt8(0);
    this.#remaining = header.readUInt32BE(4);
    if (this.#remaining > MAX_CHUNK_BYTES || (this.#stream !== STDOUT && this.#stream !== STDERR)) {
      this.destroy(new Error('the engine sent an attach stream that cannot be read'));
    }
    return bytes.subarray(HEADER_BYTES - held);
  }

  #body(bytes: Buffer): Buffer {
    const payload = bytes.subarray(0, this.#remaining);
    this.#remaining -= payload.length;
    if (this.#stream === STDERR) this.onStderr(payload);
    else if (!this.push(payload)) this.source.pause();
    return bytes.subarray(payload.length);
  }
}
