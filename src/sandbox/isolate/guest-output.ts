const FLUSH_MS = 20;
const FLUSH_CHARS = 16_384;

/** Collects what a call prints into few frames, and stops at the call's cap, so that nothing can flood the host. */
export class GuestOutput {
  private readonly maxBytes: number;
  private readonly send: (stream: 'stdout' | 'stderr', text: string) => void;
  private stream: 'stdout' | 'stderr' = 'stdout';
  private text = '';
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  truncated = false;

  constructor(maxBytes: number, send: (stream: 'stdout' | 'stderr', text: string) => void) {
    this.maxBytes = maxBytes;
    this.send = send;
  }

  /** False once nothing more is taken. */
  write(stream: 'stdout' | 'stderr', text: string): boolean {
    if (this.truncated) return false;
    if (stream !== this.stream) this.flush();
    this.stream = stream;
    const left = this.maxBytes - this.bytes;
    const bytes = Buffer.byteLength(text);
    this.truncated = bytes > left;
    // A cut by characters: at most `left` of them, and never more bytes than the cap allows by a factor of three.
    this.text += this.truncated ? text.slice(0, left) : text;
    this.bytes += Math.min(bytes, left);
    if (this.text.length >= FLUSH_CHARS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
    return !this.truncated;
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.text !== '') this.send(this.stream, this.text);
    this.text = '';
  }
}
