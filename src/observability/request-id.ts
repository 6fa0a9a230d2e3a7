import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What may stand in a log line and in a header without escaping. */
const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/** The caller's `x-request-id` if it is fit to be echoed and logged, else a new one; set on the response. */
export function takeRequestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers['x-request-id'];
  const id =
    typeof given === 'string' && ACCEPTABLE.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
  response.setHeader('x-request-id', id);
  return id;
}
