import { EVENT_CREDIT, type FromHost, type HostEvent } from '../protocol.js';

/** Deltas closer together than this travel together: nobody sees the difference, both processes save their work. */
const SPACING_MS = 5;

/**
 * The way of one generation's events to the server. At most EVENT_CREDIT batches are unread
 * there; while it is slow, deltas of the same kind melt into one here, so what waits is never
 * more than the text of one turn.
 */
export class Outbox {
  private credit = EVENT_CREDIT;
  private pending: HostEvent[] = [];
  private lastSent = -Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly id: number,
    private readonly send: (message: FromHost) => void,
  ) {}

  push(event: HostEvent): void {
    const melted = meltInto(this.pending.at(-1), event);
    if (melted === undefined) this.pending.push(event);
    else this.pending[this.pending.length - 1] = melted;
    if (this.credit === 0) return;
    const wait = this.lastSent + SPACING_MS - performance.now();
    if (wait <= 0 || !isDelta(event)) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), wait);
  }

  addCredit(batches: number): void {
    this.credit += batches;
    if (this.timer === undefined) this.flush();
  }

  get empty(): boolean {
    return this.pending.length === 0;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.credit === 0 || this.pending.length === 0) return;
    this.credit -= 1;
    this.lastSent = performance.now();
    const events = this.pending;
    this.pending = [];
    this.send({ type: 'events', id: this.id, events });
  }
}

const DELTAS: ReadonlySet<HostEvent['type']> = new Set([
  'text_delta',
  'reasoning_delta',
  'tool_call_delta',
  'raw',
]);

function isDelta(event: HostEvent): boolean {
  return DELTAS.has(event.type);
}

function meltInto(last: HostEvent | undefined, next: HostEvent): HostEvent | undefined {
  if (last === undefined) return undefined;
  if (
    (last.type === 'text_delta' && next.type === 'text_delta') ||
    (last.type === 'reasoning_delta' && next.type === 'reasoning_delta')
  ) {
    const { logprobs } = last;
    const joint = logprobs && { logprobs: [...logprobs, ...(next.logprobs ?? [])] };
    return { ...last, text: last.text + next.text, ...joint };
  }
  if (last.type === 'tool_call_delta' && next.type === 'tool_call_delta' && last.id === next.id) {
    return { ...last, arguments: last.arguments + next.arguments };
  }
  if (last.type === 'raw' && next.type === 'raw') {
    return { ...last, tokens: [...last.tokens, ...next.tokens] };
  }
  if (last.type === 'queued' && next.type === 'queued') return next;
  return undefined;
}
