import { DomainError } from '../errors.js';

/** Deeper values make recursive code (hashing, printing) run out of stack. */
const MAX_DEPTH = 100;
const MAX_SHOWN_PROBLEM = 200;

type Key = string | number;

/**
 * JSON from outside as a value that the rest may use without care: not too deep, of at most `maxValues` values, no
 * `__proto__` key, and only text that Postgres can keep (no NUL, no halves of surrogate pairs). Throws
 * `invalid_request`, naming the place. Size is the caller's to limit.
 */
export function parseHostileJson(text: string, maxValues: number): unknown {
  refuseHostileShape(text, maxValues);
  const value = parse(text);
  refuseHostileParts(value, []);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const problem = error instanceof Error ? error.message.slice(0, MAX_SHOWN_PROBLEM) : '';
    throw refusal('malformed_json', `This is not JSON: ${problem}`);
  }
}

/**
 * Counted before parsing: a parsed tower of brackets takes a hundred times the memory of its text, and so does what a
 * schema says of many small values that are all wrong.
 */
function refuseHostileShape(text: string, maxValues: number): void {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x2c) {
      values += 1;
    } else if (code === 0x5b || code === 0x7b) {
      // For the first of what is inside.
      values += 1;
      depth += 1;
      if (depth > MAX_DEPTH)
        throw refusal('json_too_deep', `The JSON is nested more than ${MAX_DEPTH} levels deep.`);
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    }
  }
  if (values > maxValues)
    throw refusal('json_too_many_values', `The JSON has more than ${maxValues} values.`);
}

/** `path` leads to `value`: one for the whole walk, for an object for each value takes forty times its text. */
function refuseHostileParts(value: unknown, path: Key[]): void {
  if (typeof value === 'string') refuseUnstorableText(value, path);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      refuseHostileParts(value[index], path);
      path.pop();
    }
    return;
  }
  const record = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(record)) {
    path.push(key);
    if (key === '__proto__')
      throw refusal('unknown_field', `Unknown field \`${pathOf(path)}\`.`, pathOf(path));
    refuseUnstorableText(key, path);
    refuseHostileParts(record[key], path);
    path.pop();
  }
}

function refuseUnstorableText(text: string, place: readonly Key[]): void {
  if (text.isWellFormed() && !text.includes('\0')) return;
  const path = pathOf(place);
  const where = path === '' ? 'The text' : `\`${path}\``;
  throw refusal(
    'invalid_text',
    `${where} must not contain NUL characters or halves of surrogate pairs.`,
    path,
  );
}

function pathOf(place: readonly Key[]): string {
  return place
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = key.toWellFormed().replaceAll('\0', '\uFFFD').slice(0, 100);
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

function refusal(reason: string, message: string, param?: string): DomainError {
  return new DomainError('invalid_request', message, {
    reason,
    ...(param === undefined || param === '' ? {} : { param }),
  });
}
