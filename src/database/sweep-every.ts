import type { Logger } from '@nestjs/common';
import { isTransientDatabaseError } from './transient-error.js';

/**
 * Sweeps every so many milliseconds, without keeping the process alive. A failure is logged, but not that the database
 * is away for a while. Returns what ends it, which resolves when the last sweep is over.
 */
export function sweepEvery(
  milliseconds: number,
  logger: Logger,
  sweep: () => Promise<void>,
): () => Promise<void> {
  let sweeping: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweep().catch((error: unknown) => {
      if (!isTransientDatabaseError(error)) logger.warn(error);
    });
  }, milliseconds);
  timer.unref();
  return () => {
    clearInterval(timer);
    return sweeping;
  };
}
