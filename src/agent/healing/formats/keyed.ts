import type { OfferedTools } from '../offered-tools.js';
import type { Reader, Reading } from '../reader.js';
import type { WrittenCall, WrittenField } from '../written-call.js';
import { readValue } from './read-value.js';

const KEY = { open: '<arg_key>', close: '</arg_key>' };
const VALUE = { open: '<arg_value>', close: '</arg_value>' };
const LONGEST_KEY = 128;

/** GLM 4: the name, then `<arg_key>` and `<arg_value>` by turns, to the closing mark. */
export function* readKeyed(
  reader: Reader,
  tools: OfferedTools,
  close: string,
): Reading<WrittenCall | undefined> {
  const name = tools.find(yield* reader.name());
  if (name === undefined) return undefined;
  const fields: WrittenField[] = [];
  for (;;) {
    const from = reader.at;
    yield* reader.space();
    if (!(yield* reader.literal(KEY.open))) {
      const isClosed = yield* reader.literal(close);
      if (!isClosed && fields.length === 0) return undefined;
      if (!isClosed) reader.at = from;
      return { form: 'fields', name, fields };
    }
    const key = yield* reader.before(KEY.close, LONGEST_KEY);
    if (key === undefined) return undefined;
    yield* reader.space();
    if (!(yield* reader.literal(VALUE.open))) return undefined;
    const text = yield* readValue(reader, { close: VALUE.close, follows: [KEY.open, close] });
    if (text === undefined) return undefined;
    fields.push({ key: key.trim(), text });
  }
}
