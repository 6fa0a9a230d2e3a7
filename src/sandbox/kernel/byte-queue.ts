const BLOCK_BYTES = 16 * 1024;

interface Block {
  readonly bytes: Buffer;
  filled: number;
}

/** Bytes in order, packed: however small the pieces, it takes little more memory than their sum. */
export class ByteQueue {
  readonly #blocks: Block[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(piece: Buffer): void {
    this.#length += piece.length;
    for (let rest = piece; rest.length > 0;) {
      const block = this.#blockWithRoom();
      const copied = rest.copy(block.bytes, block.filled);
      block.filled += copied;
      rest = rest.subarray(copied);
    }
  }

  /** The first block's bytes; undefined when there are none. */
  take(): Buffer | undefined {
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#length -= block.filled;
    return block.bytes.subarray(0, block.filled);
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#length = 0;
  }

  #blockWithRoom(): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.filled < BLOCK_BYTES) return last;
    const block = { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), filled: 0 };
    this.#blocks.push(block);
    return block;
  }
}
