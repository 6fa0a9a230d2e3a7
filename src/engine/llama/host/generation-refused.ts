/** The template, the request or the window does not allow this turn; `code` is for the caller. */
export class GenerationRefused extends Error {
  constructor(
    readonly code: 'context_overflow' | 'invalid_request' | 'overloaded',
    message: string,
  ) {
    super(message);
  }
}
