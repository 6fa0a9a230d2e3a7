import { Nesting } from '../nesting.js';
import type { OfferedTools } from '../offered-tools.js';
import { readJson } from '../read-json.js';
import type { Reader, Reading } from '../reader.js';
import type { CallFormat, WrittenCall } from '../written-call.js';

const ENDS = ['<|eom_id|>', '<|eot_id|>', ';'];
const METHOD = '.call';

/** Llama 3: `<|python_tag|>` before JSON or before `name.call(key="value")`. */
export const pythonTag: CallFormat = {
  place: 'anywhere',
  openers: () => ['<|python_tag|>'],
  *read(reader, _opener, tools) {
    yield* reader.space();
    let call: WrittenCall | undefined;
    if ((yield* reader.peek()) === '{') {
      const json = yield* readJson(reader);
      if (json !== undefined) call = { form: 'envelope', json };
    } else {
      const written = yield* reader.name();
      const name = written.endsWith(METHOD) ? tools.find(written.slice(0, -METHOD.length)) : undefined;
      const json = name === undefined ? undefined : yield* readKeywords(reader);
      if (name !== undefined && json !== undefined) call = { form: 'json', name, json };
    }
    if (call) yield* closeAny(reader);
    return call;
  },
};

/** JSON with which a turn begins (Llama 3.2), if it says its arguments: what merely has a name is data. */
export const bareJson: CallFormat = {
  place: 'start',
  openers: () => ['{'],
  *read(reader, _opener, tools) {
    if (!(yield* mayBeCall(reader, tools))) return undefined;
    reader.at = reader.start;
    const json = yield* readJson(reader);
    if (json === undefined || !/["'](?:arguments|parameters)["']/.test(json)) return undefined;
    yield* closeAny(reader);
    return { form: 'envelope', json };
  },
};

/** By its first member, so that an answer in JSON is not held back. */
function* mayBeCall(reader: Reader, tools: OfferedTools): Reading<boolean> {
  yield* reader.space();
  const key = (yield* reader.oneOf(FIRST_KEYS))?.slice(1, -1);
  if (key === undefined) return false;
  yield* reader.space();
  yield* reader.literal(':');
  yield* reader.space();
  const quote = yield* reader.oneOf(['"', "'"]);
  if (quote === undefined) return true;
  const value = (yield* reader.before(quote, LONGEST_NAME)) ?? '';
  if (key === 'type') return value === 'function';
  return !NAMING_KEYS.includes(key) || tools.find(value) !== undefined;
}
const NAMING_KEYS = ['name', 'function'];
const LONGEST_NAME = 128;
const FIRST_KEYS = [...NAMING_KEYS, 'type', 'arguments', 'parameters'].flatMap((key) => [
  `"${key}"`,
  `'${key}'`,
]);

function* closeAny(reader: Reader): Reading<void> {
  for (const mark of ENDS) if (yield* reader.close(mark)) return;
}

/** Python's keyword arguments as JSON that the repair understands: literals are left as they are. */
function* readKeywords(reader: Reader): Reading<string | undefined> {
  if (!(yield* reader.literal('('))) return undefined;
  const members: string[] = [];
  for (;;) {
    yield* reader.space();
    if (yield* reader.literal(')')) return `{${members.join(', ')}}`;
    const key = yield* reader.name();
    yield* reader.space();
    if (key === '' || !(yield* reader.literal('='))) return undefined;
    const value = yield* readLiteral(reader);
    if (value === undefined) return undefined;
    members.push(`${JSON.stringify(key)}: ${value}`);
    yield* reader.literal(',');
  }
}

/** To the comma or the bracket after it. */
function* readLiteral(reader: Reader): Reading<string | undefined> {
  const from = reader.at;
  const nesting = new Nesting({ open: '([{', close: ')]}' });
  for (;;) {
    const unit = yield* reader.peek();
    if (unit === undefined) return undefined;
    const isOutside = !nesting.isQuoted && nesting.depth === 0;
    if (isOutside && (unit === ',' || unit === ')')) return reader.text(from, reader.at);
    nesting.pass(unit);
    reader.at += 1;
  }
}
