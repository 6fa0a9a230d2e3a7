import { EVENT_CREDIT, type FromHost, type HostEvent } from '../protocol.js';

/**
 * The way of one generation's events to the server. At most EVENT_CREDIT batches are unread
 * there; while it is slow, deltas of the same kind melt into one here, so what waits is never
 * more than the text of one turn.
 */
export class Outbox {
  private credit = EVENT_CREDIT;
  private pending: HostEvent[] = [];

  constructor(
    private readonly id: number,
    private readonly send: (message: FromHost) => void,
  ) {}

  push(event: HostEvent): void {
    const melted = meltInto(this.pending.at(-1), event);
    if (melted === undefined) this.pending.push(event);
    else this.pending[this.pending.length - 1] = melted;
    this.flush();
  }

  addCredit(batches: number): void {
    this.credit += batches;
    this.flush();
  }

  get empty(): boolean {
    return this.pending.length === 0;
  }

  private flush(): void {
    if (this.credit === 0 || this.pending.length === 0) return;
    this.credit -= 1;
    const events = this.pending;
    this.pending = [];
    this.send({ type: 'events', id: this.id, events });
  }
}

function meltInto(last: HostEvent | undefined, next: HostEvent): HostEvent | undefined {
  if (last === undefined) return undefined;
  if (last.type === 'text_delta' && next.type === 'text_delta')
    return { ...last, text: last.text + next.text };
  if (last.type === 'reasoning_delta' && next.type === 'reasoning_delta') {
    return { ...last, text: last.text + next.text };
  }
  if (last.type === 'tool_call_delta' && next.type === 'tool_call_delta' && last.id === next.id) {
    return { ...last, arguments: last.arguments + next.arguments };
  }
  if (last.type === 'queued' && next.type === 'queued') return next;
  return undefined;
}
