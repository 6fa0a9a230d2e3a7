import type { EngineError, InterruptionCause } from '../engine/engine-error.js';
import { executeCalls } from './execute-calls.js';
import { infer } from './infer.js';
import { limitsOf, type ServerLimits, turnTimeMs } from './limits.js';
import { nextStep } from './next-step.js';
import type { RunPorts } from './ports.js';

/** Extra attempts of one round's inference after the engine failed in a way that may pass. */
const MAX_RETRIES = 2;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8000;

export type LoopEnd = 'finished' | 'cancelled' | 'failed' | 'waiting' | 'released';

/** The reason to abort with when the worker must let go of a run that is to go on elsewhere. */
export const RELEASE = Symbol('release');

/**
 * Works a run until it ends or waits for somebody. Each turn of the loop reads what is committed,
 * decides one step from it and does it; so a restart at any point goes on as if nothing had been.
 * Aborting `signal` cancels the run, or leaves it as committed when the reason is RELEASE.
 * Rejects only when the journal does (fenced, or the database is gone): the run then stays as committed.
 */
export async function workRun(ports: RunPorts, server: ServerLimits, signal: AbortSignal): Promise<LoopEnd> {
  const { journal, tools } = ports;
  const startedAt = ports.now();
  let retries = 0;
  let cause: InterruptionCause = 'resumed_from_checkpoint';
  for (;;) {
    const snapshot = await journal.load();
    // After the load, so that an abort while it was under way is not taken for a cancel.
    if (signal.reason === RELEASE) return 'released';
    const limits = limitsOf(snapshot, server);
    const activeMs = snapshot.activeMs + ports.now() - startedAt;
    const step = signal.aborted ? ({ type: 'cancel' } as const) : nextStep(snapshot, limits, activeMs, tools);
    switch (step.type) {
      case 'cancel':
        await journal.cancel();
        return 'cancelled';
      case 'infer': {
        const failure = await infer(ports, snapshot, {
          withTools: step.withTools,
          cause,
          timeMs: turnTimeMs(limits, activeMs),
          signal,
        });
        if (!failure) {
          retries = 0;
        } else if (failure.retryable && retries < MAX_RETRIES) {
          await ports.pause(retryDelayMs(failure, retries, ports.random()), signal);
          retries += 1;
          cause = failure.interruption ?? 'connection_reset';
        } else if (failure.code !== 'cancelled') {
          await journal.fail({ code: failure.code, message: failure.message });
          return 'failed';
        }
        break;
      }
      case 'judge':
        for (const call of step.calls) await journal.judge(call, await tools.judge(call, snapshot));
        break;
      case 'execute':
        await executeCalls(tools, step.calls, snapshot, signal);
        break;
      case 'advance_round':
        await journal.advanceRound(snapshot);
        break;
      case 'wait_for_approval':
      case 'wait_for_client':
        if (await journal.wait(step.type === 'wait_for_approval' ? 'approval' : 'client')) return 'waiting';
        break;
      case 'finish':
        await journal.finish(step.stopReason);
        return 'finished';
      default:
        return step satisfies never;
    }
  }
}

/** Full jitter under a doubling bound; what the engine asks for counts, up to the longest pause. */
export function retryDelayMs(failure: EngineError, retries: number, random: number): number {
  if (failure.retryAfterMs !== undefined) return Math.min(failure.retryAfterMs, LONGEST_RETRY_MS);
  return random * Math.min(FIRST_RETRY_MS * 2 ** retries, LONGEST_RETRY_MS);
}
