import type { Reader, Reading } from '../reader.js';
import type { CallFormat } from '../written-call.js';

const OPENER = '<|tool_call>';
const CLOSE = '<tool_call|>';
const CALL = 'call:';
const QUOTE = '<|"|>';

/** `<|tool_call>call:name{key:<|"|>text<|"|>}<tool_call|>`; `call:name{…}` also by itself. */
export const gemma: CallFormat = {
  place: 'anywhere',
  openers: (names) => [OPENER, ...names.map((name) => `${CALL}${name}{`)],
  *read(reader, opener, tools) {
    if (opener !== OPENER) reader.at = reader.start;
    yield* reader.space();
    if (!(yield* reader.literal(CALL))) return undefined;
    const name = tools.find(yield* reader.name());
    if (name === undefined || (yield* reader.peek()) !== '{') return undefined;
    const json = yield* readObject(reader);
    if (json === undefined) return undefined;
    if (opener === OPENER) yield* reader.closeJson(CLOSE);
    return { form: 'json', name, json };
  },
};

/** As JSON but for keys without quotes, which the repair understands. Its own quotes hold text as it is. */
function* readObject(reader: Reader): Reading<string | undefined> {
  let json = '';
  let depth = 0;
  for (;;) {
    if (yield* reader.literal(QUOTE)) {
      const text = yield* reader.before(QUOTE, Infinity);
      if (text === undefined) return undefined;
      json += JSON.stringify(text);
      continue;
    }
    const unit = yield* reader.next();
    if (unit === undefined) return reader.isTurnEnd ? json : undefined;
    if (unit === '"') {
      const text = yield* readQuoted(reader);
      if (text === undefined) return undefined;
      json += text;
      continue;
    }
    json += unit;
    if (unit === '{' || unit === '[') depth += 1;
    else if (unit === '}' || unit === ']') depth -= 1;
    if (depth === 0) return json;
  }
}

function* readQuoted(reader: Reader): Reading<string | undefined> {
  const from = reader.at - 1;
  for (;;) {
    const unit = yield* reader.next();
    if (unit === undefined) return undefined;
    if (unit === '"') return reader.text(from, reader.at);
    if (unit === '\\') yield* reader.next();
  }
}
