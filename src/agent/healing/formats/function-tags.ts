import type { OfferedTools } from '../offered-tools.js';
import { readJson } from '../read-json.js';
import type { Reader, Reading } from '../reader.js';
import type { CallFormat, WrittenCall, WrittenField } from '../written-call.js';
import { readValue } from './read-value.js';

export const FUNCTION_OPENERS = ['<function=', '<function name='];
const CLOSE = '</function>';
const NEXT_CALL = [...FUNCTION_OPENERS, '<tool_call>'];
const PARAMETERS: Readonly<Record<string, string>> = {
  '<parameter=': '</parameter>',
  '<parameter name=': '</parameter>',
  '<param name=': '</param>',
};
const PARAMETER_OPENERS = Object.keys(PARAMETERS);
const LONGEST_KEY = 128;

/**
 * `<function=name>` with `<parameter=key>` (Qwen coder), with JSON (Llama 3), and with attributes
 * (`<function name="…">`, `<param name="…">`).
 */
export const functionTags: CallFormat = {
  place: 'anywhere',
  openers: () => FUNCTION_OPENERS,
  read: (reader, _opener, tools) => readFunction(reader, tools),
};

/** After the opener. `wrapper` is the mark that closes what stands around it. */
export function* readFunction(
  reader: Reader,
  tools: OfferedTools,
  wrapper?: string,
): Reading<WrittenCall | undefined> {
  const name = tools.find((yield* readQuotable(reader)) ?? '');
  if (name === undefined) return undefined;
  const wrappers = wrapper === undefined ? [] : [wrapper];
  const fields: WrittenField[] = [];
  for (;;) {
    const from = reader.at;
    yield* reader.space();
    const opener = yield* reader.oneOf(PARAMETER_OPENERS);
    if (opener !== undefined) {
      const field = yield* readParameter(reader, PARAMETERS[opener] ?? '', wrappers);
      if (!field) return undefined;
      fields.push(field);
    } else if (fields.length === 0 && (yield* reader.peek()) === '{') {
      const json = yield* readJson(reader, CLOSE);
      if (json === undefined) return undefined;
      yield* reader.closeJson(CLOSE);
      for (const mark of wrappers) yield* reader.close(mark);
      return { form: 'json', name, json };
    } else {
      const isClosed = yield* closeFunction(reader, wrappers);
      // After parameters its end may be missing; with none it is no call.
      if (!isClosed && fields.length === 0) return undefined;
      if (!isClosed) reader.at = from;
      return { form: 'fields', name, fields };
    }
  }
}

function* closeFunction(reader: Reader, wrappers: readonly string[]): Reading<boolean> {
  const isClosed = yield* reader.literal(CLOSE);
  let isWrapped = false;
  for (const mark of wrappers) isWrapped = yield* reader.close(mark);
  return isClosed || isWrapped;
}

function* readParameter(
  reader: Reader,
  close: string,
  wrappers: readonly string[],
): Reading<WrittenField | undefined> {
  const key = yield* readQuotable(reader);
  if (key === undefined) return undefined;
  const text = yield* readValue(
    reader,
    { close, follows: [...PARAMETER_OPENERS, CLOSE, ...wrappers, ...NEXT_CALL] },
    [
      { close: CLOSE, follows: [...wrappers, ...NEXT_CALL] },
      ...wrappers.map((mark) => ({ close: mark, follows: NEXT_CALL })),
    ],
  );
  return text === undefined ? undefined : { key, text: withoutOuterLines(text) };
}

/** `name>`, `"name">` or `'name'>`. */
function* readQuotable(reader: Reader): Reading<string | undefined> {
  const written = yield* reader.before('>', LONGEST_KEY);
  return written?.trim().replace(/^(["'])(.*)\1$/, '$2');
}

/** The newlines that set a value apart are no part of it; its own indentation is. */
function withoutOuterLines(text: string): string {
  return text.replace(/^\r?\n/, '').replace(/\r?\n$/, '');
}
