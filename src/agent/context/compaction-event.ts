import type { PayloadOf } from '../../events/event.js';
import type { RunSnapshot } from '../snapshot.js';
import type { ContextBudget } from './budget.js';
import { type ContextMark, isShown, shownResult } from './context-mark.js';
import type { LeftOut } from './left-out.js';
import type { SummaryOutcome } from './summarise.js';

interface Done {
  /** What is left out from now on, oldest first. */
  readonly pieces: readonly LeftOut[];
  readonly outcome: SummaryOutcome | { readonly type: 'none' };
  readonly mark: ContextMark;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly budget: ContextBudget;
}

/** What was done to the context, for whoever watches the session. */
export function compactionEvent(
  { messages, context, round }: RunSnapshot,
  { pieces, outcome, mark, tokensBefore, tokensAfter, budget }: Done,
): PayloadOf<'context_compacted'> {
  const isUsed = outcome.type === 'summary' && mark.summary === outcome.text;
  const dropped = isUsed ? pieces.length - outcome.pieces : pieces.length;
  const countOf = (kind: LeftOut['kind'], some: readonly LeftOut[]) =>
    some.filter((piece) => piece.kind === kind).length;
  return {
    type: 'context_compacted',
    round,
    results_trimmed: messages.filter(
      (message, place) =>
        message.role === 'tool' &&
        isShown(message, place, mark) &&
        shownResult(message, place, mark).content !== shownResult(message, place, context).content,
    ).length,
    turns_summarised: countOf('turn', pieces.slice(dropped)),
    turns_dropped: countOf('turn', pieces.slice(0, dropped)),
    rounds_summarised: countOf('round', pieces.slice(dropped)),
    rounds_dropped: countOf('round', pieces.slice(0, dropped)),
    tokens_before: tokensBefore,
    tokens_after: tokensAfter,
    budget: budget.limit,
    context_size: budget.contextSize,
    summary: isUsed ? outcome.text : null,
    ...(outcome.type === 'failed' ? { summary_error: outcome.reason } : {}),
    ...(outcome.type === 'summary' && !isUsed ? { summary_error: 'The summary does not fit.' } : {}),
  };
}
