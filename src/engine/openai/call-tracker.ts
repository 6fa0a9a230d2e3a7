import { EngineError } from '../engine-error.js';
import type { CallPiece } from './chat-chunk.js';
import { JsonObjectEnd } from './json-object-end.js';

/** A call as it is put together from pieces. */
export class GrowingCall {
  readonly upstreamId: string | undefined;
  readonly index: number | undefined;
  readonly name: string;
  arguments = '';
  private readonly end = new JsonObjectEnd();

  constructor(
    /** Ours: servers use the same ones in every answer. */
    readonly id: string,
    piece: CallPiece,
  ) {
    if (piece.name === undefined) throw new EngineError('provider', 'The server made a call without a name.');
    this.name = piece.name;
    this.upstreamId = piece.id;
    this.index = piece.index;
  }

  get complete(): boolean {
    return this.end.reached;
  }

  /** What is new in the piece; throws EngineError provider when the arguments had ended already. */
  add(text: string): string {
    if (this.complete) {
      // Some servers end with the whole call once more.
      if (text.trim() === '' || text === this.arguments) return '';
      throw new EngineError('provider', `The server went on after the end of the arguments of ${this.name}.`);
    }
    this.arguments += text;
    this.end.push(text);
    return text;
  }
}

/**
 * Tells which call a piece belongs to. Servers differ: ids may be missing, come with each piece or be the
 * same for all; the index may be missing or always 0; a call may come whole.
 */
export class CallTracker {
  private readonly calls: GrowingCall[] = [];

  constructor(private readonly newId: () => string) {}

  get first(): GrowingCall | undefined {
    return this.calls[0];
  }

  callOf(piece: CallPiece): GrowingCall {
    const known = this.known(piece);
    if (known !== undefined) return known;
    const call = new GrowingCall(this.newId(), piece);
    this.calls.push(call);
    return call;
  }

  private known(piece: CallPiece): GrowingCall | undefined {
    const same = this.calls.findLast((call) => call.upstreamId === piece.id);
    const moved = same?.index !== undefined && piece.index !== undefined && same.index !== piece.index;
    if (piece.id !== undefined && same !== undefined) return moved ? undefined : same;
    const candidate =
      piece.index === undefined
        ? this.calls.at(-1)
        : this.calls.findLast((call) => call.index === piece.index);
    // A piece without a name goes on, even where each comes with an id of its own.
    if (piece.name === undefined) return candidate;
    // One with a name begins a call, unless it repeats that of a growing call told by its index.
    const repeats = piece.id === undefined && piece.index !== undefined && candidate?.name === piece.name;
    return repeats && !candidate.complete ? candidate : undefined;
  }
}
