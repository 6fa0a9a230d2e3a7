/** More than the steps of an orderly end may take together; after it, or at a second signal, the process goes at once. */
const GRACE_MS = 25_000;

/** Closes once at SIGINT, SIGTERM or SIGHUP, then exits. What is not done by then a restart finds in the database. */
export function stopOnSignals(close: () => Promise<void>): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    process.stdout.write(`\nStopping (${signal}); once more to stop at once.\n`);
    setTimeout(() => process.exit(1), GRACE_MS).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
}
