import { readFileSync, writeFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
const PERIOD_MS = 20;
/** Of the limit. What a call leaves behind above it could end the next call for memory that is not its own. */
const RESTING_SHARE = 0.75;

/** Resident bytes of a process; undefined where /proc is missing or the process is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}

/** Makes the kernel choose this process first when the machine runs out of memory. Best effort. */
export function offerToOomKiller(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // No /proc, or the process is gone.
  }
}

export interface MemoryOfCall {
  readonly peakBytes: number;
  /** Whether the process is small enough to wait for the next call. */
  readonly mayRest: boolean;
}

/**
 * isolated-vm's memory limit is soft (a process limited to 64 MB was measured at 910), so the process itself is
 * watched. Polling only while a call runs: an idle isolate has no jobs and cannot grow.
 */
export class MemoryWatchdog {
  private peak = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly pid: number,
    private readonly limitBytes: number,
    private readonly onExceeded: () => void,
  ) {}

  start(): void {
    this.peak = 0;
    this.timer = setInterval(() => this.look(), PERIOD_MS);
  }

  /** What was taken since `start`. */
  stop(): MemoryOfCall {
    clearInterval(this.timer);
    const bytes = this.measure();
    return { peakBytes: this.peak, mayRest: bytes <= this.limitBytes * RESTING_SHARE };
  }

  private look(): void {
    if (this.measure() > this.limitBytes) this.onExceeded();
  }

  private measure(): number {
    const bytes = residentBytes(this.pid) ?? 0;
    this.peak = Math.max(this.peak, bytes);
    return bytes;
  }
}
