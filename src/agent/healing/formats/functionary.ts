import { readJson } from '../read-json.js';
import type { CallFormat } from '../written-call.js';

const NEXT_RECIPIENT = '>>>';

/** Functionary 3.2, after text for all: the name on a line of its own, then JSON. */
export const functionary: CallFormat = {
  place: 'anywhere',
  openers: (names) => names.map((name) => `${NEXT_RECIPIENT}${name}\n`),
  *read(reader, opener, tools) {
    const name = tools.find(opener.slice(NEXT_RECIPIENT.length));
    if (name === undefined || (yield* reader.peek()) !== '{') return undefined;
    const json = yield* readJson(reader, NEXT_RECIPIENT);
    return json === undefined ? undefined : { form: 'json', name, json };
  },
};
