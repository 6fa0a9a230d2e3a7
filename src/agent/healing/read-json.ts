import { Nesting } from './nesting.js';
import type { Reader, Reading } from './reader.js';

const DEEPEST = 64;

/**
 * Moves past an object or a list and gives its text, sound or not: to the bracket that ends it, else to the
 * closing mark, else to the end of the turn. A mark within a string is data as long as the JSON goes on
 * properly; when it never ends, a quote was lost and the mark was the end. Undefined: it has no end.
 */
export function* readJson(reader: Reader, mark = ''): Reading<string | undefined> {
  const from = reader.at;
  const nesting = new Nesting({ open: '{[', close: '}]' });
  let quotedMark: number | undefined;
  for (;;) {
    const unit = yield* reader.next();
    if (unit === undefined) {
      if (quotedMark !== undefined) return cutAt(reader, from, quotedMark);
      return !nesting.isQuoted && reader.isTurnEnd ? reader.text(from, reader.at) : undefined;
    }
    if (unit === mark.at(-1) && reader.endsWith(mark)) {
      const to = reader.at - mark.length;
      if (!nesting.isQuoted) {
        reader.at = to;
        return reader.text(from, to);
      }
      quotedMark ??= to;
    }
    nesting.pass(unit);
    if (nesting.depth === 0) return reader.text(from, reader.at);
    if (nesting.depth > DEEPEST) return undefined;
  }
}

function cutAt(reader: Reader, from: number, to: number): string {
  reader.searched = reader.at;
  reader.at = to;
  return reader.text(from, to);
}
