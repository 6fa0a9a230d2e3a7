import { FrameError } from './frame-codec.js';

/**
 * What tunnel frames say: `u32be stream | u8 operation | body`. Streams are numbered 1, 2, 3, ... by the
 * kernel, which opens them. Credit counts bytes that the other side may still send; on stream 0 it
 * counts streams that the kernel may still open. `start` on stream 0 begins it all: JSON for the kernel,
 * and its answer, empty or why it cannot be.
 */
export type TunnelFrame =
  | { readonly operation: 'start'; readonly stream: 0; readonly text: string }
  | { readonly operation: 'open'; readonly stream: number }
  | { readonly operation: 'end' | 'reset'; readonly stream: number }
  | { readonly operation: 'data'; readonly stream: number; readonly bytes: Buffer }
  | { readonly operation: 'credit'; readonly stream: number; readonly amount: number };

/** Both sides begin with these; sandboxes/kernel/gantry_kernel/egress.py has the same numbers. */
export const INITIAL_STREAMS = 32;
export const INITIAL_CREDIT_BYTES = 128 * 1024;
export const MAX_TUNNEL_DATA_BYTES = 16 * 1024;

const HEADER_BYTES = 5;
const MAX_PROBLEM_BYTES = 4096;
const OPERATIONS = { start: 0x73, open: 0x6f, data: 0x64, credit: 0x63, end: 0x65, reset: 0x72 } as const;
type Operation = keyof typeof OPERATIONS;
const OPERATION_BY_CODE = new Map<number, Operation>(
  (Object.keys(OPERATIONS) as Operation[]).map((operation) => [OPERATIONS[operation], operation]),
);

export function encodeTunnelFrame(frame: TunnelFrame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(frame.stream);
  header.writeUInt8(OPERATIONS[frame.operation], 4);
  if (frame.operation === 'data') return Buffer.concat([header, frame.bytes]);
  if (frame.operation === 'start') return Buffer.concat([header, Buffer.from(frame.text)]);
  if (frame.operation !== 'credit') return header;
  const amount = Buffer.alloc(4);
  amount.writeUInt32BE(frame.amount);
  return Buffer.concat([header, amount]);
}

/** Throws a FrameError on anything that no kernel sends. */
export function decodeTunnelFrame(payload: Buffer): TunnelFrame {
  if (payload.length < HEADER_BYTES) throw new FrameError('tunnel frame without a header');
  const stream = payload.readUInt32BE(0);
  const operation = OPERATION_BY_CODE.get(payload.readUInt8(4));
  const body = payload.subarray(HEADER_BYTES);
  if (operation === undefined) throw new FrameError('unknown tunnel operation');
  switch (operation) {
    case 'data':
      if (body.length === 0 || body.length > MAX_TUNNEL_DATA_BYTES) {
        throw new FrameError(`tunnel data of ${body.length} bytes`);
      }
      return { operation, stream, bytes: body };
    case 'credit':
      if (body.length !== 4) throw new FrameError('tunnel credit of a wrong length');
      return { operation, stream, amount: body.readUInt32BE(0) };
    case 'start':
      if (stream !== 0 || body.length > MAX_PROBLEM_BYTES) throw new FrameError('tunnel started oddly');
      return { operation, stream, text: body.toString('utf8') };
    case 'open':
    case 'end':
    case 'reset':
      if (body.length > 0) throw new FrameError(`tunnel ${operation} with a body`);
      return { operation, stream };
    default:
      return operation satisfies never;
  }
}
