import { setTimeout as delay } from 'node:timers/promises';
import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';

/** Connection lost, server starting or stopping, deadlock, serialization: the same statement may pass later. */
const TRANSIENT_STATES = /^(08|57P0[1-3]|40001|40P01|53300)/;
/** What pg says, without a code, when a connection breaks. */
const TRANSIENT_MESSAGES =
  /Connection terminated|connection timeout|timeout exceeded when trying to connect|Client has encountered a connection error/i;
/** The name of a container that is stopped does not resolve, and its address has no route. */
const TRANSIENT_NODE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
]);

/** True when the database could not be reached or gave up the transaction for a reason of its own. */
export function isTransientDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isOfReleasedConnection(error)) return true;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code === 'string' && (TRANSIENT_STATES.test(code) || TRANSIENT_NODE_CODES.has(code)))
    return true;
  // The file of the server's socket; any other will not come by waiting.
  if (code === 'ENOENT' && syscall === 'connect') return true;
  if (TRANSIENT_MESSAGES.test(error.message)) return true;
  return error.cause !== undefined && isTransientDatabaseError(error.cause);
}

/** TypeORM lets go of a broken connection: whatever the transaction still asks for ends like this. */
function isOfReleasedConnection(error: Error): boolean {
  return (
    error instanceof QueryRunnerAlreadyReleasedError ||
    error instanceof QueryRunnerProviderAlreadyReleasedError
  );
}

/** The database gave one of several transactions up, so that the others could go on. */
export function isDeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01';
}

/** Repeats `work` with growing pauses while it fails transiently, `forMs` at most; then rejects with the last error. */
export async function retryTransient<T>(
  work: () => Promise<T>,
  forMs: number,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = Date.now() + forMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 2000)) {
    try {
      return await work();
    } catch (error) {
      if (!isTransientDatabaseError(error) || Date.now() + pauseMs > deadline || signal?.aborted) throw error;
      await delay(pauseMs);
    }
  }
}
