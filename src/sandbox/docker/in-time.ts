import { z } from 'zod';
import { messageOf } from '../../errors.js';

/** Rejects when `work` takes longer, which then goes on unheard. An engine may stop answering at any request. */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`the engine did not answer within ${milliseconds / 1000} s`)),
    milliseconds,
  );
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a failed request means to whoever looks at the engine. */
export function engineMessage(error: unknown): string {
  if (error instanceof z.ZodError) return 'what answers there is no Docker engine';
  const said = error instanceof AggregateError && error.message === '' ? error.errors.map(messageOf) : [];
  return said.length > 0 ? said.join('; ') : messageOf(error).trim();
}
