import { EngineError } from '../engine-error.js';
import { exchange, readText, type HttpResponse } from './http-exchange.js';
import type { UpstreamLimits } from './openai-engine-options.js';
import type { UpstreamAddress } from './upstream-address.js';
import { statusError, transportError } from './upstream-error.js';

/** An error may be a whole page; its beginning says enough. */
const ERROR_BYTES = 64 * 1024;

/** A question that is no generation; `path` begins with a slash. */
export interface Question {
  readonly path: string;
  /** `api`: under the base URL. `root`: beside it, where servers have routes of their own. */
  readonly under: 'api' | 'root';
  readonly body?: unknown;
}

/** Speaks with one server. Its key goes nowhere else. Rejects with EngineErrors, or as `signal` does. */
export class UpstreamClient {
  readonly host: string;

  constructor(
    readonly address: UpstreamAddress,
    private readonly key: string | undefined,
    private readonly limits: UpstreamLimits,
  ) {
    this.host = new URL(address.apiUrl).host;
  }

  /** The response to a chat, its body not yet read. Whoever has it closes it. */
  chat(body: unknown, signal: AbortSignal): Promise<HttpResponse> {
    return this.open({ path: '/chat/completions', under: 'api', body }, signal);
  }

  /** The JSON of a short answer, within `withinMs`. */
  async ask(question: Question, signal: AbortSignal, withinMs = this.limits.questionMs): Promise<unknown> {
    const timeout = AbortSignal.timeout(withinMs);
    try {
      return await this.readJson(question, AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted)
        throw new EngineError('timeout', `${this.host} did not answer within ${withinMs} ms.`);
      throw error;
    }
  }

  private async readJson(question: Question, signal: AbortSignal): Promise<unknown> {
    const response = await this.open(question, signal);
    try {
      const text = await readText(response, this.limits.bodyBytes);
      return parseJson(text, question.path);
    } catch (error) {
      throw transportError(error, this.host);
    } finally {
      response.close();
    }
  }

  private async open(question: Question, signal: AbortSignal): Promise<HttpResponse> {
    const response = await this.send(question, signal);
    if (response.status === 200) return response;
    try {
      const body = await readText(response, ERROR_BYTES).catch(() => '');
      signal.throwIfAborted();
      throw statusError(response.status, response.headers, body, Date.now());
    } finally {
      response.close();
    }
  }

  private async send({ path, under, body }: Question, signal: AbortSignal): Promise<HttpResponse> {
    const base = under === 'api' ? this.address.apiUrl : this.address.rootUrl;
    if (base === undefined)
      throw new EngineError('invalid_request', 'Nothing but its API is known of this server.');
    const method = body === undefined ? 'GET' : 'POST';
    try {
      return await exchange({ method, url: `${base}${path}`, key: this.key, body }, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw transportError(error, this.host);
    }
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EngineError(
      'provider',
      `The server answered ${path} with something that is no JSON: MODEL may have the wrong base URL.`,
    );
  }
}
