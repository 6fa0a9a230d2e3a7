import { abortable } from '../../abortable.js';
import { EngineError, toEngineError } from '../engine-error.js';
import type {
  Engine,
  EngineEvent,
  EngineStopReason,
  GenerateRequest,
  ReceivedMessage,
  TurnEvent,
  Usage,
} from '../engine.js';
import { guardStalls, STALL_LIMITS } from '../stall-guard.js';

/** How long an expert that was stopped may take to tell what it has used. */
const GRACE_MS = 1000;

const TURN_EVENTS: ReadonlySet<string> = new Set<TurnEvent['type']>([
  'text_delta',
  'reasoning_delta',
  'tool_call_start',
  'tool_call_delta',
  'content_block_stop',
]);

/** How an expert's turn ended. What it has used is known if it told. */
export type ExpertEnd =
  | {
      readonly type: 'turn';
      readonly reason: EngineStopReason;
      readonly message: ReceivedMessage;
      readonly usage: Usage | undefined;
    }
  | { readonly type: 'failed'; readonly error: EngineError; readonly usage: Usage | undefined }
  /** It took longer than it may. */
  | { readonly type: 'timed_out'; readonly error: EngineError; readonly usage: Usage | undefined }
  /** It was no longer needed. */
  | { readonly type: 'stopped'; readonly error: EngineError; readonly usage: Usage | undefined };

export type ExpertItem =
  { readonly type: 'event'; readonly event: TurnEvent } | { readonly type: 'end'; readonly end: ExpertEnd };

export interface ExpertTerms {
  readonly timeoutMs: number;
  /** Ends it when it is no longer needed. */
  readonly signal: AbortSignal;
}

/**
 * One engine's turn, bounded: whatever the engine does, even nothing at all, the last item is its `end`, a second after
 * its time at the latest. Never throws.
 */
export async function* askExpert(
  engine: Engine,
  request: GenerateRequest,
  { timeoutMs, signal }: ExpertTerms,
): AsyncGenerator<ExpertItem, void, void> {
  const bounds = new ExpertBounds(timeoutMs, signal);
  const start = (stop: AbortSignal) => engine.generate(request, stop);
  const events = guardStalls(start, bounds.stop, STALL_LIMITS);
  let usage: Usage | undefined;
  try {
    for (;;) {
      const next = await abortable(events.next(), bounds.givenUp);
      if (next.done) throw new EngineError('provider', 'It ended its turn without saying how.');
      const event = next.value;
      if (event.type === 'usage') usage = event.usage;
      if (event.type === 'stop' || event.type === 'error') {
        yield { type: 'end', end: bounds.ended(usage) ?? endOf(event, usage) };
        return;
      }
      if (isTurnEvent(event) && !bounds.stop.aborted) yield { type: 'event', event };
    }
  } catch (reason) {
    yield {
      type: 'end',
      end: bounds.ended(usage) ?? { type: 'failed', error: toEngineError(reason), usage },
    };
  } finally {
    bounds.close();
    void events.return();
  }
}

/** When an expert has to stop, and why. */
class ExpertBounds {
  private readonly stopping = new AbortController();
  private readonly givingUp = new AbortController();
  private readonly timeout: NodeJS.Timeout;
  private grace: NodeJS.Timeout | undefined;
  private why: Pick<Extract<ExpertEnd, { error: EngineError }>, 'type' | 'error'> | undefined;

  constructor(
    timeoutMs: number,
    private readonly signal: AbortSignal,
  ) {
    this.timeout = setTimeout(this.onTimeout, timeoutMs, timeoutMs);
    if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  get stop(): AbortSignal {
    return this.stopping.signal;
  }

  /** It did not even heed that it was stopped. */
  get givenUp(): AbortSignal {
    return this.givingUp.signal;
  }

  /** The end of an expert that was stopped; undefined for one that came to its own. */
  ended(usage: Usage | undefined): ExpertEnd | undefined {
    return this.why && { ...this.why, usage };
  }

  close(): void {
    clearTimeout(this.timeout);
    clearTimeout(this.grace);
    this.signal.removeEventListener('abort', this.onAbort);
  }

  private readonly onTimeout = (ms: number): void => {
    const error = new EngineError('timeout', `It did not finish within ${Math.round(ms / 100) / 10} s.`);
    this.end({ type: 'timed_out', error });
  };

  private readonly onAbort = (): void => {
    this.end({ type: 'stopped', error: new EngineError('cancelled', 'It was stopped: no longer needed.') });
  };

  private end(why: NonNullable<typeof this.why>): void {
    if (this.why) return;
    this.why = why;
    // An engine that counts failures counts this one; that it is no longer needed says nothing about it.
    this.stopping.abort(why.type === 'timed_out' ? why.error : undefined);
    this.grace = setTimeout(() => this.givingUp.abort(), GRACE_MS);
  }
}

function endOf(event: Extract<EngineEvent, { type: 'stop' | 'error' }>, usage: Usage | undefined): ExpertEnd {
  if (event.type === 'error') return { type: 'failed', error: event.error, usage };
  const { reason, message } = event;
  if (reason !== 'cancelled') return { type: 'turn', reason, message, usage };
  return { type: 'failed', error: new EngineError('cancelled', 'It was stopped.'), usage };
}

function isTurnEvent(event: EngineEvent): event is TurnEvent {
  return TURN_EVENTS.has(event.type);
}
