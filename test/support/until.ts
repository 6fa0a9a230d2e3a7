import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `probe` gives something other than undefined or false; throws with `what` when `boundMs` have passed. */
export async function until<T>(
  what: string,
  boundMs: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + boundMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`);
    await delay(25);
  }
}
