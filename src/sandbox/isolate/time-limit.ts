/** isolated-vm's words for an entry that was stopped at its time; its clock and ours may differ a little. */
const TIME_LIMIT_MESSAGE = 'Script execution timed out.';
const CLOCK_TOLERANCE_MS = 100;

/** Whether an entry into the isolate ended at its time. A guest's error may have the same words, but does not come as late. */
export function isTimeLimit(error: unknown, lastedMs: number, timeoutMs: number): boolean {
  const saysSo = error instanceof Error && error.message === TIME_LIMIT_MESSAGE;
  return saysSo && lastedMs >= timeoutMs - CLOCK_TOLERANCE_MS;
}
