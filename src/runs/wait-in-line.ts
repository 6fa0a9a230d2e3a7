import type { WorkClock } from '../work-clock.js';

/** Waits for something, perhaps in a line: `onQueued` hears the place there, counted from 1. */
export type Wait<T> = (signal: AbortSignal, onQueued: (position: number) => void) => Promise<T>;

export interface LineParts {
  readonly clock: Pick<WorkClock, 'standStill'>;
  /** Aborting it ends the wait. */
  readonly signal: AbortSignal;
  /** Told one after the other; 0 is the way out of the line. */
  readonly tell: (position: number) => Promise<void>;
}

/**
 * What `wait` gives. From the first place in the line on the clock stands still, and places are told, only the newest
 * where they come faster than that. All is told when this settles. Rejects as `wait` does, or when a place could not
 * be told, which ends the wait.
 */
export async function waitInLine<T>(wait: Wait<T>, { clock, signal, tell }: LineParts): Promise<T> {
  const over = Promise.withResolvers<void>();
  const brokenOff = new AbortController();
  let telling = Promise.resolve();
  let newest = 0;
  let told = 0;
  const tellNewest = async (): Promise<void> => {
    if (newest === told) return;
    told = newest;
    await tell(told);
  };
  const stand = (position: number): void => {
    newest = position;
    telling = telling.then(tellNewest);
    telling.catch((error: unknown) => brokenOff.abort(error));
  };
  let isInLine = false;
  const onQueued = (position: number): void => {
    if (!isInLine) void clock.standStill(over.promise);
    isInLine = true;
    stand(position);
  };
  try {
    const got = await wait(AbortSignal.any([signal, brokenOff.signal]), onQueued);
    stand(0);
    return got;
  } finally {
    await telling.finally(() => over.resolve());
  }
}
