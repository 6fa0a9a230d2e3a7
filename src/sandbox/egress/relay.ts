import type { Duplex, Readable, Writable } from 'node:stream';

/** Told of each piece; throws to end the relay. */
export type Count = (bytes: number) => void;

/** Resolves when `to` has really taken the bytes; rejects when it is gone. */
function written(to: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('the other side is gone'));
    to.once('close', closed);
    to.write(bytes, (error) => {
      to.off('close', closed);
      if (error) reject(error);
      else resolve();
    });
    if (to.destroyed) closed();
  });
}

/**
 * Carries bytes on until they end, then ends `to`. One piece at a time, so that neither many small pieces
 * nor a slow reader make it hold more than one.
 */
export async function relay(from: Readable, to: Writable, count: Count): Promise<void> {
  for await (const piece of from.iterator({ destroyOnReturn: false })) {
    const bytes = piece as Buffer;
    count(bytes.length);
    await written(to, bytes);
  }
  to.end();
}

/** Both ways, each ending by itself; a failure of one ends both. Resolves when both are over. */
export async function relayBothWays(
  inner: Duplex,
  outer: Duplex,
  counts: { readonly sent: Count; readonly received: Count },
): Promise<void> {
  try {
    await Promise.all([relay(inner, outer, counts.sent), relay(outer, inner, counts.received)]);
  } catch (error) {
    inner.destroy();
    outer.destroy();
    throw error;
  }
}
