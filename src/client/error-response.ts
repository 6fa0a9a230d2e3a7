import { z } from 'zod';
import { wireErrorSchema } from '../gateway/frames.js';
import { GantryClientError } from './client-error.js';

const bodySchema = z.object({ error: wireErrorSchema });

/** A response that is no success, as an error; whatever its body is. */
export function errorOfResponse(status: number, body: string): GantryClientError {
  const parsed = bodySchema.safeParse(parseJson(body));
  const kind = status === 401 || status === 403 ? 'refused' : 'request_failed';
  if (!parsed.success) return new GantryClientError(kind, `The server answered ${status}.`, { status });
  return new GantryClientError(kind, parsed.data.error.message, { status, error: parsed.data.error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
