/** The same bytes in pieces of exactly `size`, the last one shorter; at most one piece is held. */
export async function* rechunk(
  content: Uint8Array | AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Buffer> {
  if (content instanceof Uint8Array) {
    for (let offset = 0; offset < content.length; offset += size) {
      yield Buffer.from(content.buffer, content.byteOffset + offset, Math.min(size, content.length - offset));
    }
    return;
  }
  let held = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const given of content) {
    for (let offset = 0; offset < given.length;) {
      const piece = given.subarray(offset, offset + size - filled);
      held.set(piece, filled);
      filled += piece.length;
      offset += piece.length;
      if (filled === size) {
        yield held;
        held = Buffer.allocUnsafe(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield Buffer.from(held.subarray(0, filled));
}
