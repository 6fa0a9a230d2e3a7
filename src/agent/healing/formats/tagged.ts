import { readJson } from '../read-json.js';
import type { CallFormat } from '../written-call.js';
import { FUNCTION_OPENERS, readFunction } from './function-tags.js';
import { readKeyed } from './keyed.js';

const CLOSE = '</tool_call>';

/** `<tool_call>` of Hermes and Qwen (JSON), Qwen coder (function tags) and GLM 4 (keys and values). */
export const tagged: CallFormat = {
  place: 'anywhere',
  openers: () => ['<tool_call>'],
  *read(reader, _opener, tools) {
    yield* reader.space();
    const unit = yield* reader.peek();
    if (unit === '{' || unit === '[') {
      const json = yield* readJson(reader, CLOSE);
      if (json === undefined) return undefined;
      yield* reader.closeJson(CLOSE);
      return { form: 'envelope', json };
    }
    if (unit !== '<') return yield* readKeyed(reader, tools, CLOSE);
    const opener = yield* reader.oneOf(FUNCTION_OPENERS);
    return opener === undefined ? undefined : yield* readFunction(reader, tools, CLOSE);
  },
};
