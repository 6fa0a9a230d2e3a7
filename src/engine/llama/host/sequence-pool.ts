import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { fairOrder } from '../../fair-order.js';
import { type Reading, shortFirst } from './short-first.js';

/** Whose turn it is, and what its prompt is. */
export interface SequenceRequest {
  readonly sessionId: string;
  /** Nobody goes on with another owner's tokens, and each waits for a turn of their own. */
  readonly owner: string;
  readonly tokens: readonly Token[];
  /** How many of them can be brought back from elsewhere. */
  readonly kept: number;
}

interface Slot {
  readonly sequence: LlamaContextSequence;
  /** Whose tokens it holds; NOBODY: those of a session that is forgotten. */
  holder: Pick<SequenceRequest, 'sessionId' | 'owner'> | undefined;
  busy: boolean;
  lastUsed: number;
}

interface Waiter extends SequenceRequest, Reading {
  passedBy: number;
  /** The place it was told last. */
  told: number;
  readonly onPosition: (position: number) => void;
  readonly grant: (lease: SequenceLease) => void;
}

const NOBODY = { sessionId: '', owner: '' };

/** A sequence of the context, lent to one generation. */
export interface SequenceLease {
  readonly sequence: LlamaContextSequence;
  /** The session whose tokens lie in it and make room now. */
  readonly displaced: string | undefined;
  /** Whether its tokens are another owner's, even those that the new prompt happens to begin with. */
  readonly foreign: boolean;
  release(): void;
}

/** A free sequence, and whether its tokens are the request's own beginning. */
interface Offer {
  readonly slot: Slot;
  readonly continues: boolean;
}

/** A sequence may be taken over by another session of its owner that goes on with at least this share of its tokens. */
const SHARE_TO_INHERIT = 0.5;

/**
 * Lends the context's sequences, in a fair order. A session gets the sequence that still holds its tokens when that
 * one is free, so that only what is new is evaluated; so does a conversation that comes back as another session.
 */
export class SequencePool {
  private readonly slots: Slot[];
  private waiting: Waiter[] = [];
  private clock = 0;

  constructor(sequences: readonly LlamaContextSequence[]) {
    this.slots = sequences.map((sequence) => ({ sequence, holder: undefined, busy: false, lastUsed: 0 }));
  }

  /** `onPosition` is told 1 for the next in line, and each change. Rejects when aborted. */
  acquire(
    request: SequenceRequest,
    signal: AbortSignal,
    onPosition: (position: number) => void,
  ): Promise<SequenceLease> {
    signal.throwIfAborted();
    const free = this.bestFree(request);
    if (free !== undefined && this.waiting.length === 0) return Promise.resolve(this.lend(free, request));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting = this.waiting.filter((other) => other !== waiter);
        this.tellPositions();
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        ...request,
        unread: this.unread(request),
        passedBy: 0,
        told: 0,
        onPosition,
        grant: (lease) => {
          signal.removeEventListener('abort', onAbort);
          resolve(lease);
        },
      };
      this.waiting.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
      this.tellPositions();
    });
  }

  /** Nobody goes on with its tokens, and they are kept nowhere. A generation that is at work goes on. */
  forget(sessionId: string): void {
    for (const slot of this.slots) if (slot.holder?.sessionId === sessionId) slot.holder = NOBODY;
  }

  private unread({ sessionId, tokens, kept }: SequenceRequest): number {
    const slot = this.slots.find(({ holder }) => holder?.sessionId === sessionId);
    return tokens.length - Math.max(kept, slot?.sequence.nextTokenIndex ?? 0);
  }

  private bestFree(request: SequenceRequest): Offer | undefined {
    const free = this.slots.filter((slot) => !slot.busy);
    const own =
      free.find((slot) => slot.holder?.sessionId === request.sessionId) ?? inheritable(free, request);
    if (own !== undefined) return { slot: own, continues: true };
    const slot = free.toSorted((a, b) => a.lastUsed - b.lastUsed)[0];
    return slot && { slot, continues: false };
  }

  private lend({ slot, continues }: Offer, { sessionId, owner }: SequenceRequest): SequenceLease {
    const before = slot.holder;
    slot.busy = true;
    slot.holder = { sessionId, owner };
    let returned = false;
    return {
      sequence: slot.sequence,
      displaced: continues || before === NOBODY ? undefined : before?.sessionId,
      foreign: before !== undefined && before.owner !== owner,
      release: () => {
        if (returned) return;
        returned = true;
        slot.busy = false;
        slot.lastUsed = ++this.clock;
        this.serveNext();
      },
    };
  }

  private serveNext(): void {
    const [next] = this.inOrder();
    const offer = next && this.bestFree(next);
    if (next === undefined || offer === undefined) return;
    for (const earlier of this.waiting.slice(0, this.waiting.indexOf(next))) earlier.passedBy += 1;
    this.waiting = this.waiting.filter((waiter) => waiter !== next);
    next.grant(this.lend(offer, next));
    this.tellPositions();
  }

  private inOrder(): Waiter[] {
    const atWork = new Map<string, number>();
    for (const { busy, holder } of this.slots) {
      if (busy && holder !== undefined) atWork.set(holder.owner, (atWork.get(holder.owner) ?? 0) + 1);
    }
    return fairOrder(shortFirst(this.waiting), atWork);
  }

  private tellPositions(): void {
    for (const [index, waiter] of this.inOrder().entries()) {
      if (waiter.told === index + 1) continue;
      waiter.told = index + 1;
      waiter.onPosition(waiter.told);
    }
  }
}

/** The one whose tokens the request goes on with for longest. */
function inheritable(free: readonly Slot[], { owner, tokens }: SequenceRequest): Slot | undefined {
  const prompt = [...tokens];
  const candidates = free
    .filter((slot) => slot.holder?.owner === owner)
    .map((slot) => ({ slot, shared: slot.sequence.compareContextTokens(prompt).firstDifferentIndex }))
    .filter(({ slot, shared }) => shared > 0 && shared >= slot.sequence.nextTokenIndex * SHARE_TO_INHERIT);
  return candidates.toSorted((a, b) => b.shared - a.shared)[0]?.slot;
}
