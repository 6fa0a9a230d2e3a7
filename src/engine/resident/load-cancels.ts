import { DomainError } from '../../errors.js';

/** A cancel that comes before its load waits so long for it. */
const WAITS_MS = 60_000;
const MOST_WAITING = 256;

export interface CancellableLoad {
  readonly signal: AbortSignal;
  end(): void;
}

/** Loads by the ids that their owners gave them, and the cancels that came before their load. */
export class LoadCancels {
  private readonly loads = new Map<string, AbortController>();
  private readonly waiting = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Throws DomainError conflict: for an id that is in use, and for one whose cancel came first. */
  begin(owner: string, requestId: string | undefined): CancellableLoad {
    const abort = new AbortController();
    if (requestId === undefined) return { signal: abort.signal, end: () => undefined };
    const key = keyOf(owner, requestId);
    if (this.loads.has(key)) {
      throw new DomainError('conflict', `A load with the id ${requestId} is under way; choose another.`, {
        param: 'load_request_id',
        reason: 'duplicate_load_request_id',
      });
    }
    this.forgetOld();
    if (this.waiting.delete(key)) throw cancelled(requestId);
    this.loads.set(key, abort);
    return { signal: abort.signal, end: () => this.loads.delete(key) };
  }

  /** Whether the load was under way; if not, the cancel waits for it. */
  cancel(owner: string, requestId: string): boolean {
    const key = keyOf(owner, requestId);
    const load = this.loads.get(key);
    if (load !== undefined) {
      load.abort(cancelled(requestId));
      return true;
    }
    this.forgetOld();
    this.waiting.delete(key);
    this.waiting.set(key, this.now());
    return false;
  }

  private forgetOld(): void {
    for (const [key, since] of this.waiting) {
      const isOld = this.now() - since > WAITS_MS || this.waiting.size >= MOST_WAITING;
      if (!isOld) return;
      this.waiting.delete(key);
    }
  }
}

function cancelled(requestId: string): DomainError {
  return new DomainError('conflict', `The load ${requestId} was cancelled.`, { reason: 'load_cancelled' });
}

function keyOf(owner: string, requestId: string): string {
  return JSON.stringify([owner, requestId]);
}
