import { messageOf } from '../errors.js';
import { ModelError } from './model-error.js';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** What a failed write is to a person. ModelErrors stay what they are. */
export function writeFailure(path: string, error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  const isFull = error instanceof Error && 'code' in error && FULL.has(String(error.code));
  return isFull
    ? new ModelError(
        'disk_full',
        `The disk became full while ${path} was written.`,
        'Make room and ask again: it goes on where it stopped.',
        { cause: error },
      )
    : new ModelError('cannot_write', `${path} cannot be written: ${messageOf(error)}`, undefined, {
        cause: error,
      });
}
