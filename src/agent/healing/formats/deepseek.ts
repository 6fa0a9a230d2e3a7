import { readJson } from '../read-json.js';
import type { CallFormat } from '../written-call.js';

/** What different versions and tokenizers put between the words of a tag. */
const JOINTS = ['▁', '_', ' ', '\\_'];

function tags(words: readonly string[]): readonly string[] {
  return JOINTS.map((joint) => `<｜${words.join(joint)}｜>`);
}

const SECTION_OPENERS = [...tags(['tool', 'calls', 'begin']), '<｜tool▁calls｜>'];
const CALL_OPENERS = tags(['tool', 'call', 'begin']);
const SEPARATORS = tags(['tool', 'sep']);
const CALL_CLOSES = tags(['tool', 'call', 'end']);
const SECTION_CLOSES = tags(['tool', 'calls', 'end']);

/** R1 and V3: `function`, a separator, the name, JSON in a fence; V3.1: the name, a separator, JSON. */
export const deepseek: CallFormat = {
  place: 'anywhere',
  openers: () => [...SECTION_OPENERS, ...CALL_OPENERS],
  *read(reader, opener, tools) {
    if (SECTION_OPENERS.includes(opener)) {
      yield* reader.space();
      if ((yield* reader.oneOf(CALL_OPENERS)) === undefined) return undefined;
    }
    let written = yield* reader.name();
    if ((yield* reader.oneOf(SEPARATORS)) === undefined) return undefined;
    yield* reader.space();
    if (written === 'function' && (yield* reader.peek()) !== '{') written = yield* reader.name();
    const name = tools.find(written);
    if (name === undefined) return undefined;
    yield* reader.space();
    const isFenced = (yield* reader.oneOf(['```json', '```'])) !== undefined;
    yield* reader.space();
    if ((yield* reader.peek()) !== '{') return undefined;
    const json = yield* readJson(reader, isFenced ? '\n```' : CALL_CLOSES[0]);
    if (json === undefined) return undefined;
    if (isFenced) yield* reader.closeJson('```');
    for (const mark of [...CALL_CLOSES, ...SECTION_CLOSES]) yield* reader.closeJson(mark);
    return { form: 'json', name, json };
  },
};
