import { retryTransient } from '../database/transient-error.js';

const PATIENCE_MS = 60_000;

/** What a call made is not given up because the database is away for a moment. */
export function patiently<T>(work: () => Promise<T>): Promise<T> {
  return retryTransient(work, PATIENCE_MS);
}
