import { messageOf } from '../../errors.js';
import { IsolateProcess, type IsolateProcessOptions } from './isolate-process.js';
import type { IsolateCall, IsolateResult, StateLoss } from './isolate-result.js';

export interface IsolatePoolOptions extends IsolateProcessOptions {
  /** Sessions with live state at once, one process each; one more process is kept ready for the next session. */
  readonly size: number;
  /** A process is replaced after this many calls: isolates leak. */
  readonly recycleAfterCalls: number;
  /** A session's process is ended when it was not used for so long. */
  readonly idleMs: number;
}

export const DEFAULT_ISOLATE_POOL_OPTIONS: IsolatePoolOptions = {
  size: 8,
  memoryLimitMb: 128,
  rssLimitBytes: 512 * 1024 * 1024,
  recycleAfterCalls: 200,
  idleMs: 30 * 60_000,
};

const MAX_REMEMBERED_LOSSES = 10_000;

/** A session's place: its process, in use or waiting for the next call. */
interface Seat {
  process: IsolateProcess | undefined;
  busy: boolean;
  calls: number;
  usedAt: number;
  idleTimer: NodeJS.Timeout | undefined;
}

type PoolState =
  | { readonly kind: 'new' }
  | { readonly kind: 'open' }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'closed' };

/** Runs sessions' JavaScript, each session in its own process with its own memory. */
export class IsolatePool {
  private state: PoolState = { kind: 'new' };
  private readonly seats = new Map<string, Seat>();
  private readonly losses = new Map<string, StateLoss>();
  private readonly living = new Set<IsolateProcess>();
  private spare: Promise<IsolateProcess> | undefined;
  private changed = Promise.withResolvers<void>();

  constructor(private readonly options: IsolatePoolOptions = DEFAULT_ISOLATE_POOL_OPTIONS) {}

  /** Starts one process, which is how the pool learns whether it can. Never rejects. */
  async ready(): Promise<void> {
    try {
      await this.prepareSpare();
    } catch {
      // The state says it.
    }
  }

  available(): boolean {
    return this.state.kind === 'open';
  }

  /** Why it is not available. */
  reason(): string | undefined {
    return this.state.kind === 'unavailable' ? this.state.reason : undefined;
  }

  /** Waits for a place (the session's own, a free one, or that of the session idle the longest). Never rejects. */
  async run(sessionId: string, call: IsolateCall): Promise<IsolateResult> {
    const askedAt = performance.now();
    let seat: Seat;
    try {
      seat = await this.sitInTime(sessionId, call);
    } catch (error) {
      return notRun(call.signal.aborted ? 'cancelled' : 'unavailable', messageOf(error));
    }
    const stateLost = this.losses.get(sessionId);
    this.losses.delete(sessionId);
    try {
      if (!seat.process) throw new Error('no process');
      const timeoutMs = Math.max(1, Math.round(call.timeoutMs - (performance.now() - askedAt)));
      const result = this.counted(sessionId, seat, await seat.process.run({ ...call, timeoutMs }));
      const isNew = seat.calls === 1 ? { stateNew: true as const } : {};
      return { ...result, ...isNew, ...(stateLost === undefined ? {} : { stateLost }) };
    } catch (error) {
      this.leave(sessionId, 'died');
      return notRun('died', messageOf(error));
    } finally {
      this.rest(sessionId, seat);
    }
  }

  /** The session is over: its process is ended and nothing of it is remembered. */
  release(sessionId: string): void {
    this.leave(sessionId, 'evicted');
    this.losses.delete(sessionId);
  }

  /** Ends every process and waits until they are gone. */
  async close(): Promise<void> {
    this.state = { kind: 'closed' };
    for (const sessionId of this.seats.keys()) this.leave(sessionId, 'evicted');
    await this.spare?.then(
      (process) => process.kill(),
      () => undefined,
    );
    await Promise.all([...this.living].map((process) => process.exited));
    this.announce();
  }

  /** A process that has done its share ends with the call: its result says that the state did not stay. */
  private counted(sessionId: string, seat: Seat, result: IsolateResult): IsolateResult {
    seat.calls += 1;
    if (!result.stateKept) this.leave(sessionId, lossOf(result));
    else if (seat.calls >= this.options.recycleAfterCalls) {
      this.leave(sessionId, 'recycled');
      return { ...result, stateKept: false };
    }
    return result;
  }

  /** Waiting counts as time of the call. */
  private async sitInTime(sessionId: string, call: IsolateCall): Promise<Seat> {
    const late = new AbortController();
    const message = `All ${this.options.size} places for JavaScript are in use. Try again later.`;
    const callOff = call.clock.after(call.timeoutMs, () => late.abort(new Error(message)));
    try {
      return await this.sit(sessionId, AbortSignal.any([call.signal, late.signal]));
    } finally {
      callOff();
    }
  }

  /** The session's seat with a live process, marked busy. */
  private async sit(sessionId: string, signal: AbortSignal): Promise<Seat> {
    for (;;) {
      signal.throwIfAborted();
      if (this.state.kind === 'closed') throw new Error('The JavaScript sandbox is shut down.');
      const own = this.seats.get(sessionId);
      if (own && !own.busy) {
        if (own.process?.alive) return this.occupy(own);
        this.leave(sessionId, 'died');
      }
      if (!this.seats.has(sessionId) && (this.seats.size < this.options.size || this.evictOne())) {
        const seat: Seat = {
          process: undefined,
          busy: true,
          calls: 0,
          usedAt: Date.now(),
          idleTimer: undefined,
        };
        this.seats.set(sessionId, seat);
        return this.furnish(sessionId, seat);
      }
      await untilSettledOrAborted(this.changed.promise, signal);
    }
  }

  private async furnish(sessionId: string, seat: Seat): Promise<Seat> {
    try {
      const spare = this.spare;
      this.spare = undefined;
      // A spare may have died while it waited, or while it started.
      const ready = await spare?.catch(() => undefined);
      const process = ready?.alive ? ready : await this.startProcess();
      if (this.seats.get(sessionId) !== seat) {
        process.kill();
        throw new Error('The session was closed.');
      }
      seat.process = process;
      void this.prepareSpare().catch(() => undefined);
      return seat;
    } catch (error) {
      if (this.seats.get(sessionId) === seat) this.seats.delete(sessionId);
      this.announce();
      throw error;
    }
  }

  private prepareSpare(): Promise<IsolateProcess> {
    if (this.state.kind === 'closed')
      return Promise.reject(new Error('The JavaScript sandbox is shut down.'));
    this.spare ??= this.startProcess().catch((error: unknown) => {
      this.spare = undefined;
      throw error;
    });
    return this.spare;
  }

  private async startProcess(): Promise<IsolateProcess> {
    try {
      const process = await IsolateProcess.start(this.options);
      this.living.add(process);
      void process.exited.then(() => this.living.delete(process));
      if (this.state.kind === 'closed') process.kill();
      else this.state = { kind: 'open' };
      return process;
    } catch (error) {
      if (this.state.kind !== 'closed') this.state = { kind: 'unavailable', reason: messageOf(error) };
      throw error;
    }
  }

  private occupy(seat: Seat): Seat {
    seat.busy = true;
    clearTimeout(seat.idleTimer);
    return seat;
  }

  private rest(sessionId: string, seat: Seat): void {
    seat.busy = false;
    seat.usedAt = Date.now();
    if (this.seats.get(sessionId) === seat) {
      seat.idleTimer = setTimeout(() => this.leave(sessionId, 'idle'), this.options.idleMs).unref();
    }
    this.announce();
  }

  /** Ends the session's process and remembers why its state is gone. */
  private leave(sessionId: string, loss: StateLoss): void {
    const seat = this.seats.get(sessionId);
    if (!seat) return;
    clearTimeout(seat.idleTimer);
    this.seats.delete(sessionId);
    seat.process?.kill();
    if (seat.calls > 0) this.losses.set(sessionId, loss);
    const oldest = this.losses.keys().next().value;
    if (this.losses.size > MAX_REMEMBERED_LOSSES && oldest !== undefined) this.losses.delete(oldest);
    this.announce();
  }

  private evictOne(): boolean {
    let victim: { sessionId: string; usedAt: number } | undefined;
    for (const [sessionId, seat] of this.seats) {
      if (!seat.busy && (!victim || seat.usedAt < victim.usedAt)) victim = { sessionId, usedAt: seat.usedAt };
    }
    if (victim) this.leave(victim.sessionId, 'evicted');
    return victim !== undefined;
  }

  private announce(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }
}

function lossOf({ outcome }: IsolateResult): StateLoss {
  switch (outcome) {
    case 'timed_out':
    case 'cancelled':
    case 'out_of_memory':
      return outcome;
    case 'completed':
    case 'failed':
      // The code went well, but its process had grown too large to be kept.
      return 'out_of_memory';
    default:
      return 'died';
  }
}

function notRun(outcome: 'cancelled' | 'unavailable' | 'died', error: string): IsolateResult {
  const nothing = { stdout: '', stderr: '', outputTruncated: false, durationMs: 0, peakMemoryBytes: 0 };
  return { outcome, stateKept: false, error, ...nothing };
}

async function untilSettledOrAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const onAbort = (): void => aborted.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await Promise.race([promise, aborted.promise]);
  signal.removeEventListener('abort', onAbort);
}
