import { readJson } from '../read-json.js';
import type { CallFormat } from '../written-call.js';

const OPENER = '[TOOL_CALLS]';
const CALL_ID = '[CALL_ID]';
const ARGUMENTS = '[ARGS]';
const END = '</s>';

/** `[TOOL_CALLS]` before a list, or before names with JSON; `name[ARGS]{…}` also by itself. */
export const mistral: CallFormat = {
  place: 'anywhere',
  openers: (names) => [OPENER, ...names.flatMap((name) => [`${name}${CALL_ID}`, `${name}${ARGUMENTS}`])],
  *read(reader, opener, tools) {
    if (opener !== OPENER) reader.at = reader.start;
    yield* reader.space();
    const unit = yield* reader.peek();
    if (unit === '[' || unit === '{') {
      const json = yield* readJson(reader);
      if (json === undefined) return undefined;
      yield* reader.close(END);
      return { form: 'envelope', json };
    }
    const name = tools.find(yield* reader.name());
    if (name === undefined) return undefined;
    if (yield* reader.literal(CALL_ID)) yield* reader.name();
    yield* reader.literal(ARGUMENTS);
    yield* reader.space();
    if ((yield* reader.peek()) !== '{') return undefined;
    const json = yield* readJson(reader);
    if (json === undefined) return undefined;
    yield* reader.close(END);
    return { form: 'json', name, json };
  },
};
