import { DomainError } from '../errors.js';
import type { RunOptions } from './run-request.js';

/** What to do when the conversation outgrows the model's window. */
export type ContextOverflow = NonNullable<RunOptions['context_overflow']>;

/** `truncation` says in OpenAI's words what two values of `context_overflow` say. */
const MEANING = { auto: 'truncate', disabled: 'error' } as const;

export function contextOverflowOf(
  options: Pick<RunOptions, 'context_overflow' | 'truncation'>,
): ContextOverflow | undefined {
  return options.context_overflow ?? (options.truncation && MEANING[options.truncation]);
}

/** Throws `invalid_request` where the two fields ask for different things. */
export function checkContextOverflow({
  context_overflow: asked,
  truncation,
}: Pick<RunOptions, 'context_overflow' | 'truncation'>): void {
  if (asked === undefined || truncation === undefined || MEANING[truncation] === asked) return;
  throw new DomainError(
    'invalid_request',
    `truncation: "${truncation}" means context_overflow: "${MEANING[truncation]}", but context_overflow is "${asked}"; give one of them.`,
    { param: 'context_overflow', reason: 'contradicting_options' },
  );
}
