/**
 * `u32be total | u32be header length | header (JSON) | body (bytes)`. Both ends refuse a frame over the cap
 * before they keep any of it, which Node's own IPC does not.
 */
export const MAX_FRAME_BYTES = 12 * 1024 * 1024;
const PREFIX_BYTES = 8;

export interface RawFrame {
  readonly header: unknown;
  readonly body: Buffer;
}

export function encodeFrame(header: object, body: Uint8Array = new Uint8Array()): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(json.byteLength + body.byteLength, 0);
  prefix.writeUInt32BE(json.byteLength, 4);
  return Buffer.concat([prefix, json, body]);
}

/** Incremental; `push` throws on a frame that is over the cap or malformed, and the peer is then not to be trusted. */
export class FrameDecoder {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private wanted = PREFIX_BYTES;

  push(chunk: Buffer): RawFrame[] {
    this.chunks.push(chunk);
    this.bytes += chunk.byteLength;
    if (this.bytes < this.wanted) return [];
    let buffer = Buffer.concat(this.chunks, this.bytes);
    const frames: RawFrame[] = [];
    this.wanted = PREFIX_BYTES;
    while (buffer.byteLength >= PREFIX_BYTES) {
      const total = buffer.readUInt32BE(0);
      const headerLength = buffer.readUInt32BE(4);
      if (total > MAX_FRAME_BYTES || headerLength > total) throw new Error('malformed or oversized frame');
      if (buffer.byteLength < PREFIX_BYTES + total) {
        this.wanted = PREFIX_BYTES + total;
        break;
      }
      const header: unknown = JSON.parse(buffer.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + headerLength));
      frames.push({ header, body: buffer.subarray(PREFIX_BYTES + headerLength, PREFIX_BYTES + total) });
      buffer = buffer.subarray(PREFIX_BYTES + total);
    }
    this.chunks = [buffer];
    this.bytes = buffer.byteLength;
    return frames;
  }
}
