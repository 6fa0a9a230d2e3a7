import { settlesWithin } from '../settles-within.js';
import type { WorkClock } from '../work-clock.js';

/** Longer than a sandbox takes that is made and filled on a slow machine. */
export const MOST_OFF_THE_CLOCK_MS = 120_000;

/**
 * What `work` gives. The clock stands still meanwhile, for 120 s at most, after which it goes while the work goes on;
 * it goes again when this settles.
 */
export async function offTheClock<T>(
  clock: Pick<WorkClock, 'standStill'>,
  work: () => Promise<T>,
): Promise<T> {
  const over = Promise.withResolvers<void>();
  const stood = clock.standStill(settlesWithin(over.promise, MOST_OFF_THE_CLOCK_MS));
  try {
    return await work();
  } finally {
    over.resolve();
    await stood;
  }
}
