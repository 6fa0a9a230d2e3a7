/** More than the steps of an orderly end may take together; after it, or at a later signal, the process goes at once. */
const GRACE_MS = 25_000;
/** npm passes on what its whole process group has got already, and so do others: that is one wish to stop, not two. */
const ECHO_MS = 1_000;

export interface Ending {
  readonly close: () => Promise<void>;
  readonly exit: (status: number) => void;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Closes once at SIGINT, SIGTERM or SIGHUP, then exits. What is not done by then a restart finds in the database. */
export function stopOnSignals(close: () => Promise<void>): void {
  const stop = stopper({
    close,
    exit: (status) => process.exit(status),
    print: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
  });
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
}

/** What each signal does: the first ends in order, one that comes later than its echoes ends at once. */
export function stopper({ close, exit, print, complain }: Ending): (signal: NodeJS.Signals) => void {
  let firstAt: number | undefined;
  return (signal) => {
    if (firstAt !== undefined) {
      if (performance.now() - firstAt >= ECHO_MS) exit(130);
      return;
    }
    firstAt = performance.now();
    print(`\nStopping (${signal}); once more to stop at once.\n`);
    setTimeout(() => exit(1), GRACE_MS).unref();
    close().then(
      () => exit(0),
      (error: unknown) => {
        complain(`${String(error)}\n`);
        exit(1);
      },
    );
  };
}
