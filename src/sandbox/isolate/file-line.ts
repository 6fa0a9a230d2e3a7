/** What one process may have in line, in bytes of content that is to be written. */
const MAX_BYTES = 32 * 1024 * 1024;

interface FileRequest {
  readonly call: number;
  readonly request: number;
  /** Of the content that goes along. */
  readonly bytes: number;
  ask(): void;
}

/**
 * The requests of one process that concern files, asked one after another: each has up to 8 MiB in the server's
 * memory for as long as the database takes, while the ones in line cost only this process.
 */
export class FileLine {
  private underWay: FileRequest | undefined;
  private waiting: FileRequest[] = [];

  /** Asks now or later; returns why it never will. */
  enter(next: FileRequest): string | undefined {
    const bytes = [this.underWay, ...this.waiting].reduce(
      (sum, held) => sum + (held?.bytes ?? 0),
      next.bytes,
    );
    if (bytes > MAX_BYTES) return 'Files of 32 MiB are waiting to be written: await some first';
    if (this.underWay) this.waiting.push(next);
    else this.begin(next);
    return undefined;
  }

  /** The answer has come, to whichever request; one of an earlier call counts as well. */
  answered(call: number, request: number): void {
    if (this.underWay?.call !== call || this.underWay.request !== request) return;
    this.underWay = undefined;
    const next = this.waiting.shift();
    if (next) this.begin(next);
  }

  /** When their call is over. What was asked already is still under way. */
  forgetWaiting(): void {
    this.waiting = [];
  }

  private begin(next: FileRequest): void {
    this.underWay = next;
    next.ask();
  }
}
