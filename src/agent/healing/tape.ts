/** Text as it comes in, by absolute position in UTF-16 units; what is dropped costs nothing any more. */
export class Tape {
  private units: string[] = [];
  private dropped = 0;
  /** True once no more text comes. */
  private closed = false;
  /** Units looked at so far, for the proof that the work is linear. */
  reads = 0;

  get end(): number {
    return this.dropped + this.units.length;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  append(text: string): void {
    for (let index = 0; index < text.length; index += 1) this.units.push(text.charAt(index));
  }

  close(): void {
    this.closed = true;
  }

  unit(position: number): string {
    this.reads += 1;
    return this.units[position - this.dropped] ?? '';
  }

  text(from: number, to: number): string {
    this.reads += to - from;
    return this.units.slice(from - this.dropped, to - this.dropped).join('');
  }

  /** Units before `position` are asked for no more. Moves the rest only when that is less than what goes. */
  drop(position: number): void {
    const count = position - this.dropped;
    if (count * 2 < this.units.length) return;
    this.units = this.units.slice(count);
    this.dropped = position;
  }
}
