import type { PartialTurn } from './snapshot.js';

/** A call that an interrupted attempt had completed. */
export interface CompleteCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/**
 * What to do with the output of an interrupted inference. Source of the four cases: the durability
 * contract in docs/architecture.md.
 */
export type RecoveryPlan =
  | {
      readonly type: 'synthesize_tool_use';
      readonly text: string;
      readonly reasoning: string;
      readonly calls: readonly CompleteCall[];
      readonly cancelledCallIds: readonly string[];
    }
  | {
      readonly type: 'truncate_before_tool';
      readonly text: string;
      readonly reasoning: string;
      readonly cancelledCallIds: readonly string[];
    }
  | { readonly type: 'continue_text'; readonly text: string; readonly reasoning: string }
  | { readonly type: 'whole_restart'; readonly cancelledCallIds: readonly string[] };

/** Pure and total. */
export function planRecovery(partial: PartialTurn | undefined): RecoveryPlan {
  if (!partial) return planRestart(partial);
  const { text, reasoning } = partial;
  const complete = partial.calls.filter((call) => call.complete);
  const cancelledCallIds = partial.calls.filter((call) => !call.complete).map((call) => call.id);
  if (complete.length > 0) {
    const calls = complete.map(({ id, name, arguments: json }) => ({ id, name, arguments: json }));
    return { type: 'synthesize_tool_use', text, reasoning, calls, cancelledCallIds };
  }
  if (cancelledCallIds.length > 0) return { type: 'truncate_before_tool', text, reasoning, cancelledCallIds };
  if (text !== '' || reasoning !== '') return { type: 'continue_text', text, reasoning };
  return planRestart(partial);
}

/** Two attempts that follow each other on one engine. */
export interface Succession {
  readonly before: RecoveryPlan;
  readonly after: RecoveryPlan;
  readonly continuesThoughts: boolean;
}

/** Whether the later attempt begins further on. What came in the earlier one and is not kept brought nobody further. */
export function hasProgressed({ before, after, continuesThoughts }: Succession): boolean {
  if (after.type === 'synthesize_tool_use') return true;
  const from = keptBy(before);
  const to = keptBy(after);
  return (
    to.text.length > from.text.length || (continuesThoughts && to.reasoning.length > from.reasoning.length)
  );
}

function keptBy(plan: RecoveryPlan): { readonly text: string; readonly reasoning: string } {
  return plan.type === 'whole_restart' ? { text: '', reasoning: '' } : plan;
}

/** For a turn that cannot be gone on with, whatever there is of it. */
export function planRestart(partial: PartialTurn | undefined): RecoveryPlan {
  return { type: 'whole_restart', cancelledCallIds: partial?.calls.map(({ id }) => id) ?? [] };
}
