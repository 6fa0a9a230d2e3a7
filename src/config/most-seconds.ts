/** A longer time overflows Node's timers, which then end at once. */
export const MOST_SECONDS = 2_000_000;
