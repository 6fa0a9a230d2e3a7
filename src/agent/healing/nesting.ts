/** Brackets and quotes of JSON or of something like it, unit by unit. */
export class Nesting {
  private open = 0;
  private quote = '';
  private isEscaped = false;

  constructor(private readonly brackets: { readonly open: string; readonly close: string }) {}

  get depth(): number {
    return this.open;
  }

  get isQuoted(): boolean {
    return this.quote !== '';
  }

  pass(unit: string): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (this.isQuoted) this.passQuoted(unit);
    else if (unit === '"' || unit === "'") this.quote = unit;
    else if (this.brackets.open.includes(unit)) this.open += 1;
    else if (this.brackets.close.includes(unit)) this.open -= 1;
  }

  private passQuoted(unit: string): void {
    if (unit === '\\') this.isEscaped = true;
    else if (unit === this.quote) this.quote = '';
  }
}
