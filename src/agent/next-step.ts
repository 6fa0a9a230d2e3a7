import type { StopReason } from '../events/event.js';
import { isFinalToolCallState } from '../runs/tool-call-state.js';
import { type RunLimits, reachedLimit } from './limits.js';
import { isStuck } from './repeated-call.js';
import type { CallSnapshot, RunSnapshot } from './snapshot.js';

/** What a run does next, decided from committed state alone: a restart decides the same. */
export type Step =
  | { readonly type: 'cancel' }
  | { readonly type: 'infer'; readonly withTools: boolean }
  /** Validate, apply the policy, perhaps ask. */
  | { readonly type: 'judge'; readonly calls: readonly CallSnapshot[] }
  | { readonly type: 'execute'; readonly calls: readonly CallSnapshot[] }
  | { readonly type: 'wait_for_approval' }
  | { readonly type: 'wait_for_client' }
  | { readonly type: 'advance_round' }
  /** The run ends with calls that are the client's to answer. */
  | { readonly type: 'return_calls' }
  | { readonly type: 'finish'; readonly stopReason: StopReason };

/** What the loop must know of a tool, by name; both hold for names nobody knows. */
export interface ToolTraits {
  /** The client executes it. */
  isClientTool(name: string): boolean;
  /** It changes nothing. */
  isPure(name: string): boolean;
}

export function nextStep(
  snapshot: RunSnapshot,
  limits: RunLimits,
  activeMs: number,
  traits: ToolTraits,
): Step {
  if (snapshot.cancelRequestedBy !== null) return { type: 'cancel' };
  if (!snapshot.turnCommitted) {
    const limit = reachedLimit(snapshot, limits, activeMs);
    const stuck = isStuck(snapshot.pastCalls, (name) => traits.isPure(name));
    const mayCall = limits.maxToolRounds > 0 && limits.maxToolCalls > 0;
    return { type: 'infer', withTools: limit === undefined && !stuck && mayCall };
  }
  if (snapshot.calls.length === 0 && snapshot.steering.length > 0) return { type: 'advance_round' };
  if (snapshot.calls.length === 0) {
    const stopReason = snapshot.finishReason === 'length' ? 'length' : 'stop';
    return { type: 'finish', stopReason: reachedLimit(snapshot, limits, activeMs) ?? stopReason };
  }
  return stepForCalls(snapshot, traits);
}

function stepForCalls(snapshot: RunSnapshot, traits: ToolTraits): Step {
  const mode = snapshot.options.tool_execution_mode ?? 'parallel_streaming';
  const open = snapshot.calls.filter((call) => !isFinalToolCallState(call.state));
  const first = open[0];
  if (!first) {
    if (snapshot.calls.some((call) => call.state === 'returned')) return { type: 'return_calls' };
    return snapshot.kind === 'tool' ? { type: 'finish', stopReason: 'stop' } : { type: 'advance_round' };
  }
  // In sequence a call is not even judged before the one before it has ended.
  const considered = mode === 'sequential' ? [first] : open;
  const proposed = considered.filter((call) => call.state === 'proposed');
  if (proposed.length > 0) return { type: 'judge', calls: proposed };
  const asked = considered.some((call) => call.state === 'awaiting_approval');
  const startable = considered.filter((call) => call.state === 'approved' || call.state === 'running');
  const ours = startable.filter((call) => !(call.state === 'running' && traits.isClientTool(call.name)));
  if (ours.length > 0 && !(asked && mode === 'parallel_batch_approval'))
    return { type: 'execute', calls: ours };
  return asked ? { type: 'wait_for_approval' } : { type: 'wait_for_client' };
}
