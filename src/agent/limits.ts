import type { StopReason } from '../events/event.js';
import type { CallSnapshot, RunSnapshot } from './snapshot.js';

/** Counters live on the run's row, so a restart does not reset them. Durations in milliseconds. */
export interface RunLimits {
  readonly maxToolRounds: number;
  readonly maxToolCalls: number;
  readonly maxWallTimeMs: number | undefined;
  readonly maxTotalTokens: number | undefined;
  readonly toolTimeoutMs: number;
}

export interface ServerLimits {
  readonly maxToolRounds: number;
  readonly toolTimeoutMs: number;
}

const DEFAULT_MAX_TOOL_CALLS = 200;

/** A request may lower the server's rounds, not raise them. */
export function limitsOf(snapshot: Pick<RunSnapshot, 'options'>, server: ServerLimits): RunLimits {
  const { options } = snapshot;
  return {
    maxToolRounds: Math.min(options.max_tool_rounds ?? server.maxToolRounds, server.maxToolRounds),
    maxToolCalls: options.max_tool_calls ?? DEFAULT_MAX_TOOL_CALLS,
    maxWallTimeMs: options.max_wall_time_sec === undefined ? undefined : options.max_wall_time_sec * 1000,
    maxTotalTokens: options.max_total_tokens,
    toolTimeoutMs:
      options.tool_call_timeout === undefined ? server.toolTimeoutMs : options.tool_call_timeout * 1000,
  };
}

/** The last turn, without tools, gets this long when the time is up already. */
const LAST_TURN_MS = 60_000;

/** Milliseconds that the next inference may take; undefined: no bound. */
export function turnTimeMs(limits: RunLimits, activeMs: number): number | undefined {
  if (limits.maxWallTimeMs === undefined) return undefined;
  const left = limits.maxWallTimeMs - activeMs;
  return left > 0 ? left : LAST_TURN_MS;
}

/** Which limit ends tool use before the next inference, if any. `activeMs` counts this claim too. */
export function reachedLimit(
  snapshot: RunSnapshot,
  limits: RunLimits,
  activeMs: number,
): StopReason | undefined {
  if (limits.maxToolRounds > 0 && snapshot.round >= limits.maxToolRounds) return 'max_tool_rounds';
  if (snapshot.toolCallCount > 0 && snapshot.toolCallCount >= limits.maxToolCalls) return 'budget';
  if (limits.maxTotalTokens !== undefined && snapshot.usage.total_tokens >= limits.maxTotalTokens)
    return 'budget';
  if (limits.maxWallTimeMs !== undefined && activeMs >= limits.maxWallTimeMs) return 'timeout';
  return undefined;
}

/**
 * Said in place of a call of the model for which the run has no more room; undefined: there is room. A round's calls
 * are counted before they are judged, and what their code has called since stands before those still to be judged.
 */
export function refusedByCount(
  call: CallSnapshot,
  snapshot: RunSnapshot,
  limits: RunLimits,
): string | undefined {
  const before = snapshot.toolCallCount - snapshot.calls.length + call.index;
  return before < limits.maxToolCalls ? undefined : allCallsMade(limits);
}

export function allCallsMade({ maxToolCalls }: RunLimits): string {
  return `This run has made all of its ${maxToolCalls} tool calls.`;
}
