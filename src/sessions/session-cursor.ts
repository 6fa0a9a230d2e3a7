import { DomainError } from '../errors.js';

/** The place in a list after which the next page begins. */
export interface SessionCursor {
  /** Microseconds since 1970 as digits: Postgres keeps more than a Date does. */
  readonly updatedAtMicros: string;
  readonly id: string;
}

export function encodeCursor(cursor: SessionCursor): string {
  return Buffer.from(`${cursor.updatedAtMicros}:${cursor.id}`).toString('base64url');
}

/** Throws `invalid_request` for anything that `encodeCursor` did not make. */
export function decodeCursor(text: string): SessionCursor {
  const match = /^(\d{1,16}):(\w{1,64})$/.exec(Buffer.from(text, 'base64url').toString('utf8'));
  const [, updatedAtMicros, id] = match ?? [];
  if (updatedAtMicros === undefined || id === undefined) {
    throw new DomainError('invalid_request', '`cursor` is not one that this server gave.', {
      reason: 'invalid_cursor',
      param: 'cursor',
    });
  }
  return { updatedAtMicros, id };
}
