const MAX_ERRORS = 10;
const MAX_CHARS = 2000;

/**
 * Promises of a call that were rejected while nobody listened, as isolated-vm reports them: a program that does
 * not await its own main function would otherwise seem to have succeeded.
 */
export class UncaughtErrors {
  private readonly texts: string[] = [];

  /** `error` is a copy: nothing of the guest runs when it is read. */
  add(error: unknown): void {
    if (this.texts.length >= MAX_ERRORS) return;
    this.texts.push(textOf(error).slice(0, MAX_CHARS));
  }

  /** The lines to print; one that ended the call as well is not told twice. */
  except(thrown: string | undefined): string[] {
    const told = thrown?.slice(0, MAX_CHARS);
    return this.texts.filter((text) => text !== told).map((text) => `Uncaught (in promise) ${text}\n`);
  }
}

/** What follows the boundary is this process's own stack, which is nobody's business. */
const BOUNDARY = '\n    at (<isolated-vm boundary>)';

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message.startsWith('An object was thrown from supplied code within isolated-vm'))
    return 'an object that is no Error';
  return (error.stack ?? String(error)).split(BOUNDARY)[0] ?? '';
}
