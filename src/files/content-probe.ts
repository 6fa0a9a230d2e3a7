import { createHash } from 'node:crypto';

/** Learns what is worth knowing of content while it passes by, a piece at a time. */
export class ContentProbe {
  private readonly hash = createHash('sha256');
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private utf8 = true;
  private seen = 0;

  get bytes(): number {
    return this.seen;
  }

  add(piece: Uint8Array): void {
    this.hash.update(piece);
    this.seen += piece.length;
    if (this.utf8) this.utf8 = !piece.includes(0) && this.decodes(piece, { stream: true });
  }

  /** Once, after the last piece. */
  finish(): { sha256: Buffer; bytes: number; isUtf8: boolean } {
    const isUtf8 = this.utf8 && this.decodes(new Uint8Array(), {});
    return { sha256: this.hash.digest(), bytes: this.seen, isUtf8 };
  }

  private decodes(piece: Uint8Array, options: { stream?: boolean }): boolean {
    try {
      this.decoder.decode(piece, options);
      return true;
    } catch {
      return false;
    }
  }
}
