import { readJson } from '../read-json.js';
import type { CallFormat } from '../written-call.js';

const START = '<|start|>assistant';
const RECIPIENTS = ['commentary', 'analysis'].map((channel) => `<|channel|>${channel} to=`);
const MESSAGE = '<|message|>';
const CLOSE = '<|call|>';
const LONGEST_HEADER = 128;

/** gpt-oss: a message to `functions.name`, named in the channel or before it. */
export const harmony: CallFormat = {
  place: 'anywhere',
  openers: () => [...RECIPIENTS, ...RECIPIENTS.map((opener) => `${START}${opener}`), `${START} to=`],
  *read(reader, _opener, tools) {
    const name = tools.find(yield* reader.name());
    if (name === undefined || (yield* reader.before(MESSAGE, LONGEST_HEADER)) === undefined) return undefined;
    yield* reader.space();
    if ((yield* reader.peek()) !== '{') return undefined;
    const json = yield* readJson(reader, CLOSE);
    if (json === undefined) return undefined;
    yield* reader.closeJson(CLOSE);
    return { form: 'json', name, json };
  },
};
