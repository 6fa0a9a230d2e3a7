/** Aborts with an error when nothing happens for `idleMs`, or with the signal's reason. */
export class IdleWatch {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  constructor(idleMs: number, signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.controller.signal]);
    this.timer = setTimeout(
      () => this.controller.abort(new Error(`nothing came for ${idleMs / 1000} s`)),
      idleMs,
    );
  }

  /** Something happened. */
  touch(): void {
    this.timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
  }
}
