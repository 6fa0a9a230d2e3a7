import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const MOST_QUEUED_BYTES = 1024 * 1024;

/**
 * An HTTP answer as it comes in. Every byte that arrived is handed out before the error that ended it: `fetch` and Node's
 * own iterator drop what is queued when a connection breaks, so a download over a bad line would not get on.
 */
export class HubAnswer implements AsyncIterable<Buffer> {
  private readonly queue: Buffer[] = [];
  private queuedBytes = 0;
  private end: { readonly error?: Error } | undefined;
  private wake: () => void = () => undefined;

  constructor(private readonly message: IncomingMessage) {
    message.on('data', (chunk: Buffer) => this.add(chunk));
    message.on('error', (error) => this.finish({ error }));
    message.once('end', () => this.finish({}));
    message.once('close', () => this.finish({ error: new Error('the connection was closed') }));
  }

  get status(): number {
    return this.message.statusCode ?? 0;
  }

  header(name: string): string | undefined {
    const value = this.message.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Ends it without reading the rest. */
  discard(): void {
    this.message.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    try {
      for (;;) {
        if (this.queue.length > 0) {
          // As one, since each piece costs a write of its own; meanwhile the next ones come in.
          const chunk = Buffer.concat(this.queue.splice(0));
          this.queuedBytes = 0;
          this.message.resume();
          yield chunk;
        } else if (this.end === undefined) await this.more();
        else if (this.end.error === undefined) return;
        else throw this.end.error;
      }
    } finally {
      this.discard();
    }
  }

  private add(chunk: Buffer): void {
    this.queue.push(chunk);
    this.queuedBytes += chunk.length;
    if (this.queuedBytes >= MOST_QUEUED_BYTES) this.message.pause();
    this.wake();
  }

  private more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.wake = resolve;
    return promise;
  }

  private finish(end: { readonly error?: Error }): void {
    this.end ??= end;
    this.wake();
  }
}

/** One GET request, without following redirects. Rejects with the error of the connection or the signal's. */
export function openAnswer(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HubAnswer> {
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    start(url, { headers, signal })
      // Made here and not later: what comes in the same moment as the head is already listened for.
      .once('response', (message) => resolve(new HubAnswer(message)))
      .on('error', reject)
      .end();
  });
}
