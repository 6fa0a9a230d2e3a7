import type { ServerResponse } from 'node:http';
import { type CompletionFailure, failure } from './completion-failure.js';

/** Why an answer may be broken off. */
export interface Stop {
  /** The client went away. */
  readonly gone: AbortSignal;
  /** The server stops; runs go on after its start. */
  readonly closing: AbortSignal;
}

export function stopping(): CompletionFailure {
  return failure(503, 'The server is stopping. The run goes on when it is back.', 'server_stopping');
}

export function sendFailure(response: ServerResponse, { status, error }: CompletionFailure): void {
  if (status === 429 || status === 503) response.setHeader('retry-after', '2');
  sendJson(response, status, { error });
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
