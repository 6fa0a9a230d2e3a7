import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonSchema } from '../../engine/engine.js';

export type ArgumentCheck = (value: unknown) => boolean;

/** Never run: a client's pattern could take for ever, and what a tool does not like it refuses by itself. */
const anyPattern = Object.assign(() => ({ test: () => true }), { code: '' });

/**
 * Whether arguments have the shape that a tool's schema asks for. Of a schema that cannot be read nothing is
 * asked, as with a native call.
 */
export function argumentCheck(schema: JsonSchema): ArgumentCheck {
  const ajv = new Ajv2020({
    meta: false,
    strict: false,
    validateSchema: false,
    validateFormats: false,
    logger: false,
    code: { regExp: anyPattern },
  });
  try {
    const check = ajv.compile(checkedInLinearTime(schema));
    return (value) => check(value);
  } catch {
    return () => true;
  }
}

/** Without what takes more than one pass over a value: references, which may double at every step, and comparing all with all. */
function checkedInLinearTime(schema: JsonSchema): JsonSchema {
  const json = JSON.stringify(schema, (key, value: unknown) => {
    if (key === '$schema' || key === '$id' || key === 'uniqueItems') return undefined;
    return isReference(value) ? {} : value;
  });
  return JSON.parse(json) as JsonSchema;
}

function isReference(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { $ref, $dynamicRef } = value as Readonly<Record<string, unknown>>;
  return typeof $ref === 'string' || typeof $dynamicRef === 'string';
}
