import { DomainError } from '../errors.js';

/** PostgreSQL: disk_full, and the configured limit on temporary files. */
const FULL = new Set(['53100', '53400']);
/** insufficient_resources, out_of_memory, too_many_connections: full for now, not full. */
const SHORT = /^53/;

/** A failure of the database as the domain's words where it ran out of room; anything else unchanged. */
export function asStorageError(error: unknown): unknown {
  const driverError = driverErrorOf(error);
  const state = driverError?.code;
  if (typeof state !== 'string') return error;
  // The cause is the driver's error: TypeORM's carries the parameters, a file's content among them.
  if (FULL.has(state)) return storageFull(driverError);
  if (!SHORT.test(state)) return error;
  return new DomainError('unavailable', 'The database is short of resources; try again in a moment.', {
    reason: 'database_overloaded',
    cause: driverError,
  });
}

export function storageFull(cause?: unknown): DomainError {
  return new DomainError('storage_full', 'There is no room left for files; delete files or sessions first.', {
    reason: 'storage_full',
    cause,
  });
}

function driverErrorOf(error: unknown): { code?: unknown } | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner: unknown = 'driverError' in error ? error.driverError : error;
  return typeof inner === 'object' && inner !== null ? inner : undefined;
}
