import { jsonrepair } from 'jsonrepair';

/** Longer text is taken as it is or not at all: repairing is not linear. UTF-16 units. */
const REPAIR_LIMIT = 16_384;

/** What the JSON of a model says, repaired where it must be. Undefined: nothing, or nothing that can be told. */
export function parseLoosely(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    if (json.length > REPAIR_LIMIT) return undefined;
  }
  try {
    return JSON.parse(jsonrepair(json));
  } catch {
    return undefined;
  }
}
