import { z } from 'zod';
import type { FromHost } from '../protocol.js';

const answerable = z.object({
  type: z.enum(['generate', 'count', 'embed', 'rank']),
  id: z.number().int(),
});

/**
 * The answer to a request that the protocol does not know: one such request must not cost everybody else the model.
 * Undefined for a message that nobody waits for an answer to.
 */
export function refusalOf(raw: unknown, error: z.ZodError): FromHost | undefined {
  const asked = answerable.safeParse(raw);
  if (!asked.success) return undefined;
  const { type, id } = asked.data;
  const message = `The model cannot take this request. ${z.prettifyError(error)}`;
  switch (type) {
    case 'generate':
      return { type: 'events', id, events: [{ type: 'error', code: 'invalid_request', message }] };
    case 'count':
      return { type: 'count_failed', id, message };
    default:
      return { type: 'vectors_failed', id, code: 'invalid_request', message };
  }
}
