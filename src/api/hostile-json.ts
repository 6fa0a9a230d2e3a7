import { DomainError } from '../errors.js';

/** Deeper values make recursive code (hashing, printing) run out of stack. */
const MAX_DEPTH = 100;
const MAX_SHOWN_PROBLEM = 200;

/** Where a value is inside the one that was parsed; linked so that a walk allocates one node a value. */
interface Place {
  readonly value: unknown;
  readonly key: string | number;
  readonly parent: Place | undefined;
}

/**
 * JSON from outside as a value that the rest may use without care: not too deep, no `__proto__` key,
 * and only text that Postgres can keep (no NUL, no halves of surrogate pairs). Throws
 * `invalid_request`, naming the place. Size is the caller's to limit.
 */
export function parseHostileJson(text: string): unknown {
  if (nestingOf(text) > MAX_DEPTH) {
    throw refusal('json_too_deep', `The JSON is nested more than ${MAX_DEPTH} levels deep.`);
  }
  const value = parse(text);
  refuseHostileParts(value);
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

/** Counted before parsing: a parsed tower of brackets takes a hundred times the memory of its text. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    }
  }
  return deepest;
}

function refuseHostileParts(root: unknown): void {
  const stack: Place[] = [{ value: root, key: '', parent: undefined }];
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { value } = place;
    if (typeof value === 'string') refuseUnstorableText(value, place);
    else if (Array.isArray(value)) {
      for (const [index, inner] of value.entries()) stack.push({ value: inner, key: index, parent: place });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) stack.push(childOf(place, key, inner));
    }
  }
}

function childOf(parent: Place, key: string, value: unknown): Place {
  const place = { value, key, parent };
  if (key === '__proto__')
    throw refusal('unknown_field', `Unknown field \`${pathOf(place)}\`.`, pathOf(place));
  refuseUnstorableText(key, place);
  return place;
}

function refuseUnstorableText(text: string, place: Place): void {
  if (text.isWellFormed() && !text.includes('\0')) return;
  const path = pathOf(place);
  const where = path === '' ? 'The text' : `\`${path}\``;
  throw refusal(
    'invalid_text',
    `${where} must not contain NUL characters or halves of surrogate pairs.`,
    path,
  );
}

function pathOf(place: Place): string {
  const keys: string[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) {
    const name =
      typeof at.key === 'number'
        ? `[${at.key}]`
        : at.key.toWellFormed().replaceAll('\0', '\uFFFD').slice(0, 100);
    keys.unshift(typeof at.key === 'number' || at.parent.parent === undefined ? name : `.${name}`);
  }
  return keys.join('');
}

function refusal(reason: string, message: string, param?: string): DomainError {
  return new DomainError('invalid_request', message, {
    reason,
    ...(param === undefined || param === '' ? {} : { param }),
  });
}
