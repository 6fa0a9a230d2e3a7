import type { Reader, Reading } from '../reader.js';

export interface ValueEnd {
  /** What ends a value, and what must follow it; else it belongs to the value, as in code that writes tags. */
  readonly close: string;
  readonly follows: readonly string[];
}

/**
 * The text of a value; moves to where the next thing begins. Where the turn ends first, the last mark that could
 * have been the end was it, else the turn's end. The first of `ends` is moved past, others are left.
 */
export function* readValue(
  reader: Reader,
  own: ValueEnd,
  others: readonly ValueEnd[] = [],
): Reading<string | undefined> {
  const from = reader.at;
  let last: number | undefined;
  for (;;) {
    const unit = yield* reader.next();
    if (unit === undefined) {
      if (!reader.isTurnEnd) return undefined;
      const to = last ?? reader.at;
      reader.searched = reader.at;
      if (last !== undefined) reader.at = last + own.close.length;
      return reader.text(from, to);
    }
    if (unit !== '>') continue;
    if (reader.endsWith(own.close)) {
      last = reader.at - own.close.length;
      if (yield* reader.isFollowedBy(own.follows)) return reader.text(from, last);
    }
    for (const { close, follows } of others)
      if (reader.endsWith(close) && (yield* reader.isFollowedBy(follows))) {
        reader.at -= close.length;
        return reader.text(from, reader.at);
      }
  }
}
