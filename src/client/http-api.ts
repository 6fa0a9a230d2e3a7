import type { z } from 'zod';
import { GantryClientError } from './client-error.js';
import type { SocketTarget } from './client-socket.js';
import { errorOfResponse } from './error-response.js';

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as `multipart/form-data`. */
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal;
}

/** HTTP with the key, typed answers and typed errors. */
export class HttpApi {
  constructor(private readonly target: SocketTarget) {}

  /** Rejects with `request_failed`, `refused`, `unreachable`, or `protocol` for an answer of another shape. */
  async json<T>(path: string, schema: z.ZodType<T>, request: HttpRequest = {}): Promise<T> {
    const response = await this.send(path, request);
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    const message = `The answer to ${path} has another shape than expected.`;
    throw new GantryClientError('protocol', message, { status: response.status, cause: parsed.error });
  }

  /** The response of a request that succeeded; its body is the caller's to read. */
  async send(path: string, request: HttpRequest = {}): Promise<Response> {
    const { method = 'GET', json, form, query, signal } = request;
    const body = form ?? (json === undefined ? undefined : JSON.stringify(json));
    const response = await this.fetch(`${this.target.baseUrl}${path}${queryOf(query)}`, {
      method,
      headers: {
        authorization: `Bearer ${this.target.apiKey}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    });
    if (!response.ok) throw errorOfResponse(response.status, await response.text().catch(() => ''));
    return response;
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      const message = `No Gantry server answers at ${this.target.baseUrl}.`;
      throw new GantryClientError('unreachable', message, { cause: error });
    }
  }
}

function queryOf(query: HttpRequest['query'] = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given.toString()}`;
}
