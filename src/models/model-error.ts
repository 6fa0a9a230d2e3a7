export type ModelErrorCode =
  | 'invalid_name'
  | 'not_found'
  | 'unauthorized'
  | 'unknown_variant'
  | 'missing_shard'
  | 'hub_unreachable'
  | 'hub_answer'
  | 'size_mismatch'
  | 'checksum_mismatch'
  | 'not_enough_space'
  | 'disk_full'
  | 'cannot_write'
  | 'bad_file'
  | 'protected';

/** Why a model cannot be had, read or removed, in words for the person who named it. */
export class ModelError extends Error {
  constructor(
    readonly code: ModelErrorCode,
    message: string,
    /** What that person can do about it, where it is known. */
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ModelError';
  }
}
