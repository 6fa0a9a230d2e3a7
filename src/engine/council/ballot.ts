import canonicalize from 'canonicalize';
import type { EngineStopReason, ReceivedMessage } from '../engine.js';

/** A turn that may become the council's. */
export interface Ballot {
  /** The expert's place in the council. */
  readonly expert: number;
  readonly reason: EngineStopReason;
  readonly message: ReceivedMessage;
}

/** It says something, or calls; a call that a limit may have cut is none. */
export function isUsable({ message, reason }: Omit<Ballot, 'expert'>): boolean {
  return message.text.trim() !== '' || (reason !== 'length' && message.completeCalls.length > 0);
}

/**
 * Equal for turns that say the same: the same calls with the same arguments in the same order, whatever was said
 * beside them; else the same JSON; else the same text but for case, spaces and a full stop at its end.
 */
export function voteKey({ text, completeCalls }: ReceivedMessage): string {
  if (completeCalls.length > 0) {
    return `calls ${JSON.stringify(completeCalls.map(({ name, arguments: json }) => [name, canonicalJson(json) ?? json]))}`;
  }
  const json = canonicalJson(text);
  return json === undefined ? `text ${plain(text)}` : `json ${json}`;
}

export interface Tally {
  readonly winner: Ballot;
  /** How many say the same as the winner. */
  readonly votes: number;
}

/** The turn that most give; among turns with as many, that of the expert who is named first. Undefined: no ballots. */
export function tally(ballots: readonly Ballot[]): Tally | undefined {
  return tallies(ballots)[0];
}

/** Nothing that `open` more experts say can change who wins the vote. */
export function isVoteDecided(ballots: readonly Ballot[], open: number): boolean {
  const [first, second] = tallies(ballots);
  if (first === undefined) return false;
  return first.votes > (second?.votes ?? 0) + open;
}

/** One for each turn that was given, the winner first. */
function tallies(ballots: readonly Ballot[]): Tally[] {
  const byPlace = ballots.toSorted((a, b) => a.expert - b.expert);
  const groups = Map.groupBy(byPlace, ({ message }) => voteKey(message));
  const found = [...groups.values()].flatMap((group) =>
    group[0] === undefined ? [] : [{ winner: group[0], votes: group.length }],
  );
  return found.toSorted((a, b) => b.votes - a.votes);
}

function canonicalJson(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? canonicalize(value) : undefined;
  } catch {
    return undefined;
  }
}

function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/gu, ' ')
    .trim()
    .replace(/[.。]$/u, '');
}
