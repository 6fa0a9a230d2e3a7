/**
 * The kernel's frames: `u32be payload length | u8 kind | payload`. The kinds and their payloads are
 * described in sandboxes/kernel/gantry_kernel/protocol.py, the other end.
 */
export const FRAME_KINDS = {
  json: 0x4a,
  data: 0x44,
  stdout: 0x4f,
  stderr: 0x45,
  image: 0x49,
  videoFrame: 0x56,
  tunnel: 0x54,
  takeOver: 0x53,
} as const;

export type FrameKind = keyof typeof FRAME_KINDS;

/** Kinds that belong to one request, whose id begins them. */
export type RequestFrameKind = Exclude<FrameKind, 'json' | 'tunnel' | 'takeOver'>;

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

const HEADER_BYTES = 5;
const MAX_PAYLOAD_BYTES = 16 * 2 ** 20;
const KIND_BY_CODE = new Map<number, FrameKind>(
  (Object.keys(FRAME_KINDS) as FrameKind[]).map((kind) => [FRAME_KINDS[kind], kind]),
);

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export function encodeFrame(kind: FrameKind, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((total, part) => total + part.length, 0);
  const frame = startFrame(kind, length);
  let end = HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, end);
    end += part.length;
  }
  return frame;
}

export function encodeJsonFrame(message: Readonly<Record<string, unknown>>): Buffer {
  const text = JSON.stringify(message);
  const frame = startFrame('json', Buffer.byteLength(text));
  frame.write(text, HEADER_BYTES);
  return frame;
}

/** The payload is yet to be written. */
function startFrame(kind: FrameKind, payloadBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  frame.writeUInt32BE(payloadBytes);
  frame.writeUInt8(FRAME_KINDS[kind], 4);
  return frame;
}

export function encodeCallId(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes;
}

/** Incremental; copies each byte at most twice however the bytes are cut. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #needed = HEADER_BYTES;

  /** Throws a FrameError on a length over the cap or an unknown kind; the decoder is then of no more use. */
  *feed(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#needed = HEADER_BYTES;
    while (bytes.length >= HEADER_BYTES) {
      const length = bytes.readUInt32BE(0);
      const code = bytes.readUInt8(4);
      const kind = KIND_BY_CODE.get(code);
      if (kind === undefined) throw new FrameError(`unknown frame kind ${code}`);
      if (length > MAX_PAYLOAD_BYTES) throw new FrameError(`frame of ${length} bytes`);
      const end = HEADER_BYTES + length;
      this.#needed = end;
      if (bytes.length < end) break;
      this.#needed = HEADER_BYTES;
      yield { kind, payload: bytes.subarray(HEADER_BYTES, end) };
      bytes = bytes.subarray(end);
    }
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#buffered = bytes.length;
  }
}
