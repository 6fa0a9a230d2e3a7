import { readFileSync, writeFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
const PERIOD_MS = 20;

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

  /** The peak since `start`. */
  stop(): number {
    clearInterval(this.timer);
    return this.peak;
  }

  private look(): void {
    const bytes = residentBytes(this.pid) ?? 0;
    this.peak = Math.max(this.peak, bytes);
    if (bytes > this.limitBytes) this.onExceeded();
  }
}
