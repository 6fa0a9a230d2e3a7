import type { SandboxOutput } from '../sandbox.js';
import type { DoneFrame } from './isolate-frame.js';
import type { IsolateCall, IsolateOutcome, IsolateResult } from './isolate-result.js';
import type { MemoryOfCall } from './memory-watchdog.js';

const KILL_AFTER_MS = 1000;

/** What a running call needs of its process. */
export interface CallProcess {
  interrupt(): void;
  kill(): void;
}

/** Why the call was stopped from outside; the first reason counts. */
type Stop = 'timed_out' | 'cancelled' | 'out_of_memory';

/** One call, seen from the host: its deadlines, its output and how it ended. */
export class RunningCall {
  private readonly startedAt = performance.now();
  private readonly ended = Promise.withResolvers<IsolateResult>();
  private readonly text = { stdout: '', stderr: '' };
  private bytes = 0;
  private delivered: Promise<void> = Promise.resolve();
  private stopReason: Stop | undefined;
  private readonly callOff: () => void;
  private killTimer: NodeJS.Timeout | undefined;
  /** Operations on files and tools under way, so that a hostile child cannot ask for thousands. */
  requests = 0;

  constructor(
    readonly id: number,
    readonly call: IsolateCall,
    private readonly process: CallProcess,
  ) {
    this.callOff = call.clock.after(call.timeoutMs, () => this.stop('timed_out'));
    call.signal.addEventListener('abort', this.onAbort, { once: true });
    if (call.signal.aborted) queueMicrotask(this.onAbort);
  }

  get result(): Promise<IsolateResult> {
    return this.ended.promise;
  }

  private readonly onAbort = (): void => this.stop('cancelled');

  /** Asks the child to stop the code, which keeps its state; kills it where it does not within 1 s. */
  private stop(reason: 'timed_out' | 'cancelled'): void {
    if (this.stopReason) return;
    this.stopReason = reason;
    this.process.interrupt();
    this.killTimer = setTimeout(() => this.process.kill(), KILL_AFTER_MS);
  }

  memoryExceeded(): void {
    this.stopReason ??= 'out_of_memory';
    this.process.kill();
  }

  /** False when the child broke the cap it keeps itself. */
  output(output: SandboxOutput): boolean {
    this.bytes += output.text.length;
    if (this.bytes > this.call.maxOutputBytes) return false;
    this.text[output.stream] += output.text;
    this.delivered = this.delivered.then(() => this.call.onOutput(output)).catch(() => undefined);
    return true;
  }

  done(frame: DoneFrame, { peakBytes, mayRest }: MemoryOfCall): void {
    const { value, error, outputTruncated } = frame;
    const cut = (text: string): string => text.slice(0, this.call.maxValueChars + 1);
    const outcome = frame.outcome === 'interrupted' ? (this.stopReason ?? 'timed_out') : frame.outcome;
    this.finish({
      outcome,
      stateKept: mayRest,
      ...(value === undefined ? {} : { value: cut(value) }),
      ...(error === undefined ? {} : { error: cut(error) }),
      outputTruncated,
      peakMemoryBytes: peakBytes,
    });
  }

  processGone(cause: 'out_of_memory' | 'died', peakMemoryBytes: number): void {
    const outcome: IsolateOutcome = this.stopReason ?? cause;
    this.finish({ outcome, stateKept: false, outputTruncated: false, peakMemoryBytes });
  }

  private finish(result: Omit<IsolateResult, 'stdout' | 'stderr' | 'durationMs'>): void {
    this.callOff();
    clearTimeout(this.killTimer);
    this.call.signal.removeEventListener('abort', this.onAbort);
    const durationMs = performance.now() - this.startedAt;
    void this.delivered.then(() => this.ended.resolve({ ...result, ...this.text, durationMs }));
  }
}
