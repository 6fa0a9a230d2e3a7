import type { EngineErrorCode } from '../../engine-error.js';

/** Why no embedding or ranking is made; `code` is for the caller. */
export class VectorsRefused extends Error {
  constructor(
    readonly code: EngineErrorCode,
    message: string,
  ) {
    super(message);
  }
}
