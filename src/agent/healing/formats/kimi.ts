import { readJson } from '../read-json.js';
import type { CallFormat } from '../written-call.js';

const SECTION = '<|tool_calls_section_begin|>';
const CALL = '<|tool_call_begin|>';
const ARGUMENTS = '<|tool_call_argument_begin|>';
const CALL_END = '<|tool_call_end|>';
const SECTION_END = '<|tool_calls_section_end|>';
const LONGEST_ID = 192;

/** Kimi K2: `functions.name:0`, a mark, JSON; calls stand in a section. */
export const kimi: CallFormat = {
  place: 'anywhere',
  openers: () => [SECTION, CALL],
  *read(reader, opener, tools) {
    if (opener === SECTION) {
      yield* reader.space();
      if (!(yield* reader.literal(CALL))) return undefined;
    }
    const id = yield* reader.before(ARGUMENTS, LONGEST_ID);
    const name = id === undefined ? undefined : tools.find(id.replace(/:\d+\s*$/, ''));
    if (name === undefined) return undefined;
    yield* reader.space();
    if ((yield* reader.peek()) !== '{') return undefined;
    const json = yield* readJson(reader, CALL_END);
    if (json === undefined) return undefined;
    for (const mark of [CALL_END, SECTION_END]) yield* reader.closeJson(mark);
    return { form: 'json', name, json };
  },
};
