import { z } from 'zod';
import { invalidRequest } from '../validation-issue.js';

const schema = z.string().min(1).max(128).optional();

/** The header `Idempotency-Key`; throws `invalid_request` naming it. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  const result = schema.safeParse(header);
  if (result.success) return result.data;
  throw invalidRequest(result.error.issues, 'idempotency-key');
}
