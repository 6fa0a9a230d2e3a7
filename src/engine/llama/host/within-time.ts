import { createContext, Script } from 'node:vm';

/** What a template made was not done in time. */
export class TookTooLong extends Error {
  constructor(readonly milliseconds: number) {
    super(`it did not come to an end within ${milliseconds / 1000} s`);
  }
}

const CALL = new Script('work()');
const context = createContext({ work: undefined }) as { work: (() => unknown) | undefined };

/** Ends work that goes on too long, by force: it may be in the middle of anything. Throws TookTooLong, or what it threw. */
export function withinTime<T>(milliseconds: number, work: () => T): T {
  context.work = work;
  try {
    return CALL.runInContext(context, { timeout: milliseconds }) as T;
  } catch (error) {
    if ((error as { readonly code?: unknown } | undefined)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw error;
    throw new TookTooLong(milliseconds);
  } finally {
    context.work = undefined;
  }
}
