/** Of one message; nothing but pings and a close may go out between its parts. */
export interface MessagePart {
  readonly data: string | Buffer;
  readonly isLast: boolean;
}

/** What the network takes is told for each part, and a slow one needs seconds for a megabyte. */
export const PART_BYTES = 64 * 1024;

/** The message as UTF-8, cut anywhere; a short one stays as it is. */
export function partsOf(message: string): MessagePart[] {
  if (message.length <= PART_BYTES) return [{ data: message, isLast: true }];
  const bytes = Buffer.from(message);
  const starts = Array.from({ length: Math.ceil(bytes.length / PART_BYTES) }, (_, at) => at * PART_BYTES);
  return starts.map((start) => ({
    data: bytes.subarray(start, start + PART_BYTES),
    isLast: start + PART_BYTES >= bytes.length,
  }));
}

/** The other end: gives the message with its last part, and undefined with those before. */
export function partsJoiner(): (part: MessagePart) => string | undefined {
  const parts: Buffer[] = [];
  return ({ data, isLast }) => {
    parts.push(typeof data === 'string' ? Buffer.from(data) : data);
    return isLast ? Buffer.concat(parts.splice(0)).toString('utf8') : undefined;
  };
}
