import { describeIssues } from '../api/validation-issue.js';
import { clientFrameSchema } from './frames.js';
import type { ClientFrame, WireError } from './frames.js';

export type ParsedFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  | { readonly ok: false; readonly id: string | null; readonly error: WireError };

const MAX_ID_LENGTH = 128;
/** Deeper values would overflow the stack of whatever walks them later. */
const MAX_DEPTH = 64;

const FRAME_TYPES: readonly string[] = clientFrameSchema.options.map((option) => option.shape.type.value);

/** Total: whatever text arrives, either a frame or the answer that says what is wrong with it. */
export function parseFrame(text: string): ParsedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(null, 'not_json', 'A frame is one JSON object; this is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(null, 'not_an_object', 'A frame is one JSON object with `id` and `type`.');
  const id = readableId(value);
  if (isDeeperThan(value, MAX_DEPTH))
    return refuse(id, 'too_deep', `A frame must not nest deeper than ${MAX_DEPTH} levels.`);
  const type = 'type' in value ? value.type : undefined;
  if (typeof type !== 'string' || !FRAME_TYPES.includes(type))
    return refuse(id, 'unknown_type', `\`type\` must be one of ${FRAME_TYPES.join(', ')}.`, 'type');
  const parsed = clientFrameSchema.safeParse(value);
  if (parsed.success) return { ok: true, frame: parsed.data };
  const { message, code, param } = describeIssues(parsed.error.issues);
  return refuse(id, code, message, param);
}

/** Of a text that was too long to parse or was no text at all. */
export function refuseFrame(code: string, message: string): ParsedFrame {
  return refuse(null, code, message);
}

function refuse(id: string | null, code: string, message: string, param: string | null = null): ParsedFrame {
  return { ok: false, id, error: { type: 'invalid_request_error', code, message, param } };
}

/** So that even the answer to a bad frame finds its request. */
function readableId(value: object): string | null {
  const id = 'id' in value ? value.id : undefined;
  return typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_LENGTH ? id : null;
}

function isDeeperThan(value: object, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : [],
    );
  }
  return false;
}
