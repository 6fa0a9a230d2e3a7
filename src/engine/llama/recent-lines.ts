const MAX_LINE = 2_000;

/** The last lines of a stream of text, bounded in number and length. */
export class RecentLines {
  private readonly lines: string[] = [];

  constructor(private readonly limit: number) {}

  add(text: string): void {
    for (const line of text.split('\n')) {
      if (line.trim() !== '') this.lines.push(line.slice(0, MAX_LINE));
    }
    this.lines.splice(0, Math.max(0, this.lines.length - this.limit));
  }

  toArray(): readonly string[] {
    return [...this.lines];
  }
}
