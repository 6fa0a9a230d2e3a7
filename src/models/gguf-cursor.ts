/** More bytes are needed than were given. */
export class EndOfBytes extends Error {}

/** What is there cannot be a GGUF header. */
export class BadHeader extends Error {}

const LARGEST_STRING_BYTES = 8 * 1024 * 1024;

/** Reads little-endian values of a GGUF header one after the other. Throws EndOfBytes or BadHeader. */
export class GgufCursor {
  private place = 0;

  constructor(private readonly bytes: Buffer) {}

  get offset(): number {
    return this.place;
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  i32(): number {
    return this.bytes.readInt32LE(this.advance(4));
  }

  f32(): number {
    return this.bytes.readFloatLE(this.advance(4));
  }

  f64(): number {
    return this.bytes.readDoubleLE(this.advance(8));
  }

  /** Counts and sizes; what a number cannot hold is no count of anything. */
  count(): number {
    const value = this.bytes.readBigUInt64LE(this.advance(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadHeader(`a count of ${value}`);
    return Number(value);
  }

  i64(): number {
    return Number(this.bytes.readBigInt64LE(this.advance(8)));
  }

  u64(): number {
    return Number(this.bytes.readBigUInt64LE(this.advance(8)));
  }

  integer(bytes: 1 | 2): number {
    return this.bytes.readUIntLE(this.advance(bytes), bytes);
  }

  signed(bytes: 1 | 2): number {
    return this.bytes.readIntLE(this.advance(bytes), bytes);
  }

  text(): string {
    const length = this.textLength();
    const start = this.advance(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  skipText(): void {
    this.advance(this.textLength());
  }

  skip(bytes: number): void {
    this.advance(bytes);
  }

  private textLength(): number {
    const length = this.count();
    if (length > LARGEST_STRING_BYTES) throw new BadHeader(`a text of ${length} bytes`);
    return length;
  }

  /** Returns where the value begins. */
  private advance(bytes: number): number {
    const start = this.place;
    if (start + bytes > this.bytes.length) throw new EndOfBytes();
    this.place = start + bytes;
    return start;
  }
}
