/** Plain lines on standard error: they read alike in a terminal and in a CI log, and leave standard output alone. */
const heartbeatMs = 10_000;

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs one step of set-up and shows its name, what it does and how long it took; a long one shows that it lives.
 * @template T
 * @param {string} name
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(name, what, work) {
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
  say(`==> ${name}: ${what}`);
  const heartbeat = setInterval(() => say(`    ${name}: still at it, ${seconds()} s`), heartbeatMs);
  try {
    const result = await work();
    say(`    ${name}: done in ${seconds()} s`);
    return result;
  } catch (error) {
    say(`    ${name}: failed after ${seconds()} s`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}
