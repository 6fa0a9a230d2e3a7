import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

const HEARTBEAT_MS = 10_000;

/** Server-sent events on a response, with a comment every ten seconds, so that proxies see it live. */
export class EventStreamResponse {
  private heartbeat: NodeJS.Timeout | undefined;

  constructor(private readonly response: ServerResponse) {}

  /** Until then the response can still be another one. */
  get isOpen(): boolean {
    return this.heartbeat !== undefined;
  }

  /** Nothing for a client that went away: no later `close` would end the heartbeat. */
  open(): void {
    if (this.isOpen || this.response.destroyed) return;
    this.response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.response.flushHeaders();
    this.heartbeat = setInterval(() => {
      // A reader that does not read needs no sign of life.
      if (!this.response.writableNeedDrain) this.response.write(': still here\n\n');
    }, HEARTBEAT_MS);
    this.response.once('close', () => clearInterval(this.heartbeat));
  }

  /** Waits for a reader that is slow. Rejects when the signal aborts meanwhile. */
  async write(frame: string, signal: AbortSignal): Promise<void> {
    this.open();
    if (!this.response.write(frame)) await once(this.response, 'drain', { signal });
  }

  close(): void {
    this.response.end();
  }

  /** Mid-stream, when nothing more can be said. */
  destroy(): void {
    this.response.destroy();
  }
}

/** One event; `name` undefined: unnamed, as a reader's `message`. */
export function eventFrame(data: string, { name, id }: { name?: string; id?: number } = {}): string {
  const lines = [
    ...(name === undefined ? [] : [`event: ${name}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
  ];
  return [...lines, `data: ${data}`, '', ''].join('\n');
}
