import type { EgressLog } from './egress.js';

/** What of a structured logger is used. */
interface Logger {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** One line for each connection that code in a sandbox asked for. */
export function createEgressLog(logger: Logger): EgressLog {
  return {
    entry: (entry) => logger.info({ egress: entry }, 'A sandbox asked for a connection.'),
    unlisted: (session, run, count) =>
      logger.info(
        { egress: { session, run, count } },
        'A sandbox asked for more connections than are listed.',
      ),
  };
}
