import { CALL_FORMATS } from './formats.js';
import type { OfferedTools } from './offered-tools.js';
import { type OpenerNode, openerTree } from './openers.js';
import { Reader, type Reading } from './reader.js';
import { type HealedCall, settleCalls } from './settle-calls.js';
import { Surroundings } from './surroundings.js';
import { Tape } from './tape.js';
import type { WrittenCall } from './written-call.js';

/** A possible call that grows beyond this is text. UTF-16 units. */
export const LONGEST_CALL = 65_536;

/** Texts and what was written of calls, one after the other, are what was fed. */
export type Healed =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'calls'; readonly calls: readonly HealedCall[]; readonly written: string };

interface Candidate {
  readonly reader: Reader;
  readonly reading: Reading<WrittenCall | undefined>;
}

/**
 * Finds calls written into the text of a turn, in pieces of any size. What comes out again is the text, unit by
 * unit, without the spans of the calls it gives; only what may still become a call is held back. Linear.
 */
export class CallHealer {
  private readonly tape = new Tape();
  private readonly surroundings = new Surroundings();
  private readonly root: OpenerNode;
  private healed: Healed[] = [];
  /** Text up to here has been given out, up to `decided` it is certainly text or call. */
  private shown = 0;
  private decided = 0;
  /** Up to here the text since `decided` matches an opener. */
  private at = 0;
  private node: OpenerNode;
  private candidate: Candidate | undefined;
  private callCount = 0;

  /** `prefix` is the turn's text before what is fed: it decides where calls may begin and stays text itself. */
  constructor(
    private readonly tools: OfferedTools,
    prefix: string,
    /** After so many calls all is text. */
    private readonly mostCalls = Infinity,
  ) {
    this.root = openerTree(CALL_FORMATS, tools.names);
    this.node = this.root;
    for (let index = 0; index < prefix.length; index += 1) this.surroundings.pass(prefix.charAt(index));
  }

  get isHolding(): boolean {
    return this.shown < this.tape.end;
  }

  /** Units looked at so far, over and over included. */
  get steps(): number {
    return this.tape.reads;
  }

  push(text: string): readonly Healed[] {
    this.tape.append(text);
    this.run();
    return this.take();
  }

  /** The model ended its turn of itself: what closes a call may be missing. Nothing may be pushed after it. */
  finish(): readonly Healed[] {
    this.tape.close();
    this.run();
    return this.take();
  }

  /** What is held back, as text: it was cut off. */
  giveBack(): readonly Healed[] {
    this.candidate = undefined;
    this.releaseTo(this.tape.end);
    this.showTo(this.decided);
    return this.take();
  }

  private run(): void {
    for (;;) {
      if (this.candidate) {
        const step = this.candidate.reading.next();
        if (!step.done) return;
        this.decide(this.candidate.reader, step.value);
      } else if (this.at < this.tape.end) this.match(this.tape.unit(this.at));
      else if (this.tape.isClosed && this.decided < this.tape.end) this.releaseTo(this.decided + 1);
      else return;
    }
  }

  /** One more unit of what may be an opener. */
  private match(unit: string): void {
    const isFirst = this.node === this.root;
    const mayGoOn = this.callCount < this.mostCalls && (!isFirst || this.surroundings.mayBegin(unit));
    const node = mayGoOn ? this.node.next.get(unit) : undefined;
    const found = node?.found;
    if (!node || (found?.format.place === 'start' && !this.surroundings.isStart)) {
      this.releaseTo(this.decided + 1);
      return;
    }
    this.node = node;
    this.at += 1;
    if (!found) return;
    const reader = new Reader(this.tape, this.decided, found.opener, this.decided + LONGEST_CALL);
    this.candidate = { reader, reading: found.format.read(reader, found.opener, this.tools) };
  }

  private decide(reader: Reader, written: WrittenCall | undefined): void {
    this.candidate = undefined;
    const calls = written && settleCalls(written, this.tools);
    if (calls && this.callCount + calls.length <= this.mostCalls) {
      this.showTo(this.decided);
      this.healed.push({ type: 'calls', calls, written: this.tape.text(reader.start, reader.at) });
      this.callCount += calls.length;
      this.decided = reader.at;
      this.shown = reader.at;
      this.surroundings.passCall();
    }
    this.releaseTo(Math.max(reader.at, reader.searched));
  }

  /** What comes before `position` is text; matching begins there anew. */
  private releaseTo(position: number): void {
    while (this.decided < position) {
      this.surroundings.pass(this.tape.unit(this.decided));
      this.decided += 1;
    }
    this.at = position;
    this.node = this.root;
  }

  private showTo(position: number): void {
    if (position > this.shown) this.healed.push({ type: 'text', text: this.tape.text(this.shown, position) });
    this.shown = position;
  }

  private take(): readonly Healed[] {
    this.showTo(this.decided - (this.endsInHalfPair() ? 1 : 0));
    this.tape.drop(this.shown);
    const { healed } = this;
    this.healed = [];
    return healed;
  }

  /** Half a surrogate pair is no text to show: the other half is on its way. */
  private endsInHalfPair(): boolean {
    if (this.tape.isClosed || this.decided === this.shown) return false;
    return /[\uD800-\uDBFF]/.test(this.tape.unit(this.decided - 1));
  }
}
