import { setTimeout as delay } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { ModelError } from './model-error.js';
import { writeFailure } from './write-failure.js';

/**
 * Told by the age of the lock, not by process numbers: those mean nothing between containers that share a models folder.
 */
const STALE_MS = 6_000;
const RENEW_MS = 1_500;
const LOOK_AGAIN_MS = 300;

export interface LockOptions {
  readonly signal: AbortSignal;
  /** Called once, if another holds it. */
  readonly onWaiting: () => Promise<void>;
}

/**
 * Lets one process at a time write a file. Waits for the others; one whose holder was killed is free after six seconds.
 * The signal given to `work` also aborts when the lock was lost, which happens to a process that stood still for long.
 */
export async function withFileLock<T>(
  path: string,
  { signal, onWaiting }: LockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const release = await take(path, lost);
    if (release !== undefined) {
      try {
        return await work(AbortSignal.any([signal, lost.signal]));
      } finally {
        // A lock that was lost is another's to release.
        await release().catch(() => undefined);
      }
    }
    if (!told) await onWaiting();
    told = true;
    await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function take(path: string, lost: AbortController): Promise<(() => Promise<void>) | undefined> {
  try {
    return await lock(path, {
      lockfilePath: `${path}.lock`,
      realpath: false,
      stale: STALE_MS,
      update: RENEW_MS,
      onCompromised: () =>
        lost.abort(
          new ModelError('cannot_write', `Another process took over ${path} while this one stood still.`),
        ),
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOCKED') return undefined;
    throw writeFailure(path, error);
  }
}
