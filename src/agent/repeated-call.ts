import type { PastCall } from './snapshot.js';

/** The third time a model asks the same, it gets a last turn without tools. */
const STUCK_AFTER = 3;

interface CallIdentity {
  readonly name: string;
  readonly argumentsHash: string;
}

/**
 * The result of the same call in this run, while nothing that could change it has run since
 * (docs/decisions/0003-repeated-calls.md): `ls` after a write is no repeat.
 */
export function earlierAnswer(
  call: CallIdentity,
  past: readonly PastCall[],
  isPure: (name: string) => boolean,
): string | undefined {
  const [first] = repeatsOf(call, past, isPure);
  return first && `${first.resultContent}\n[the same call ran before; this is its result]`;
}

/** Whether the newest call has been made so often that the model will not get further by calling. */
export function isStuck(past: readonly PastCall[], isPure: (name: string) => boolean): boolean {
  const newest = past.at(-1);
  return newest !== undefined && repeatsOf(newest, past, isPure).length >= STUCK_AFTER;
}

function repeatsOf(
  call: CallIdentity,
  past: readonly PastCall[],
  isPure: (name: string) => boolean,
): PastCall[] {
  const same = (other: PastCall) => other.name === call.name && other.argumentsHash === call.argumentsHash;
  const lastChange = past.findLastIndex((other) => !isPure(other.name) && !same(other));
  return past.slice(lastChange + 1).filter((other) => same(other) && other.state === 'succeeded');
}
