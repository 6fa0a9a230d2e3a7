import { ConfigError } from './config/config.js';
import { isTransientDatabaseError } from './database/transient-error.js';

/** Why a start failed, for the person who started it: what to do where that is known, the stack where not. */
export function describeFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}. Another program has the port; set PORT to another one (0 picks a free one).`;
  }
  if (isTransientDatabaseError(error)) {
    return `The database does not answer: ${error.message}. See to it or to DATABASE_URL; without DATABASE_URL an embedded PostgreSQL is used.`;
  }
  return error.stack ?? error.message;
}
