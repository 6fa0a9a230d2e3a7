const WINDOW_MS = 5_000;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** Bytes a second over the last five seconds. */
export class TransferRate {
  private samples: Sample[] = [];

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** `bytes` is the sum so far. */
  measure(bytes: number): number {
    const at = this.now();
    const last = this.samples.at(-1);
    // A sample for each chunk would be thousands a second.
    if (last === undefined || at - last.at >= WINDOW_MS / 50) this.samples.push({ at, bytes });
    this.samples = this.samples.filter(
      (sample, index) => at - sample.at <= WINDOW_MS || index === this.samples.length - 1,
    );
    const first = this.samples[0];
    if (first === undefined || at <= first.at) return 0;
    return Math.max(0, Math.round(((bytes - first.bytes) * 1000) / (at - first.at)));
  }
}
