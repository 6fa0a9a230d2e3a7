/**
 * Takes away what a model repeats of the text it was asked to go on from: output is held back for as long as
 * it could be a repetition of the whole prefix, and let go when it turns out not to be one.
 */
export class RepetitionFilter {
  /** UTF-16 units taken away. */
  taken = 0;
  private held = '';
  private decided: boolean;

  constructor(private readonly prefix: string) {
    this.decided = prefix === '';
  }

  push(text: string): string {
    if (this.decided) return text;
    this.held += text;
    if (this.held.length < this.prefix.length && this.prefix.startsWith(this.held)) return '';
    this.decided = true;
    if (this.held.startsWith(this.prefix)) this.taken = this.prefix.length;
    return this.held.slice(this.taken);
  }

  /** What was held when the stream ended. */
  end(): string {
    if (this.decided) return '';
    this.decided = true;
    return this.held;
  }
}
