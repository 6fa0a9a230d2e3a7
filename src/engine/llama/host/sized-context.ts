interface Freeable {
  dispose(): Promise<void>;
}

/** How a context is made that holds inputs of fewer than `size` tokens. */
export interface ContextTerms<C extends Freeable> {
  create(size: number): Promise<{ readonly context: C; readonly bytes: number }>;
  readonly idleMs: number;
  /** Told when one was made or freed. */
  onChange(): void;
}

const SMALLEST = 512;

/**
 * A context of the library that is made when first needed, made anew for a longer input, and freed when nobody has
 * used it for a while. One use at a time.
 */
export class SizedContext<C extends Freeable> {
  private made: { readonly context: C; readonly size: number; readonly bytes: number } | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly terms: ContextTerms<C>) {}

  /** What it takes now. */
  get bytes(): number {
    return this.made?.bytes ?? 0;
  }

  /** `work` gets a context for inputs of `tokens` tokens. Rejects as `work` and `create` do. */
  async use<T>(tokens: number, work: (context: C) => T | Promise<T>): Promise<T> {
    clearTimeout(this.idle);
    try {
      return await work(await this.holding(tokens));
    } finally {
      this.idle = setTimeout(() => void this.free(), this.terms.idleMs);
    }
  }

  private async holding(tokens: number): Promise<C> {
    if (this.made !== undefined && this.made.size > tokens) return this.made.context;
    await this.free();
    let size = SMALLEST;
    while (size <= tokens) size *= 2;
    this.made = { ...(await this.terms.create(size)), size };
    this.terms.onChange();
    return this.made.context;
  }

  private async free(): Promise<void> {
    const { made } = this;
    if (made === undefined) return;
    this.made = undefined;
    await made.context.dispose();
    this.terms.onChange();
  }
}
