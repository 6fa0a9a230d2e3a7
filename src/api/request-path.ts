import type { IncomingMessage } from 'node:http';

/** The path that was asked for, without the query. Express shortens `url` inside of mounted middlewares. */
export function requestPath(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? '').split('?')[0] ?? '';
}
