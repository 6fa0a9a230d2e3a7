import type { InterruptionCause } from '../engine/engine-error.js';
import { executeCalls } from './execute-calls.js';
import { infer, type InferenceTerms } from './infer.js';
import { limitsOf, type ServerLimits, turnTimeMs } from './limits.js';
import { nextStep } from './next-step.js';
import type { RunPorts } from './ports.js';
import { retryDelayMs } from './retry-delay.js';
import type { RunSnapshot } from './snapshot.js';

/** Extra attempts after the engine failed in a way that may pass, and brought nothing that is gone on from. */
const MAX_RETRIES = 2;

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
  const patience: Patience = { retries: 0, cause: 'resumed_from_checkpoint' };
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
        const terms = { withTools: step.withTools, timeMs: turnTimeMs(limits, activeMs), signal };
        if (!(await inferPatiently(ports, snapshot, terms, patience))) return 'failed';
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
        if (await journal.wait(snapshot, step.type === 'wait_for_approval' ? 'approval' : 'client'))
          return 'waiting';
        break;
      case 'return_calls':
        await journal.returnCalls(snapshot);
        return 'finished';
      case 'finish':
        if (await journal.finish(step.stopReason)) return 'finished';
        break;
      default:
        return step satisfies never;
    }
  }
}

interface Patience {
  retries: number;
  /** Why the attempt before the next one ended. */
  cause: InterruptionCause;
}

/** One attempt, and after a failure that may pass a pause before the next. False: the run has failed. */
async function inferPatiently(
  ports: RunPorts,
  snapshot: RunSnapshot,
  terms: Omit<InferenceTerms, 'cause'>,
  patience: Patience,
): Promise<boolean> {
  const failure = await infer(ports, snapshot, { ...terms, cause: patience.cause });
  if (!failure || failure.progressed) patience.retries = 0;
  if (!failure || failure.error.code === 'cancelled') return true;
  const { error } = failure;
  if (!error.retryable || patience.retries >= MAX_RETRIES) {
    const { code, message, context } = error;
    await ports.journal.fail({ code, message, ...(context === undefined ? {} : { context }) });
    return false;
  }
  const delayMs = retryDelayMs(error, patience.retries, ports.random());
  patience.retries += 1;
  ports.onRetry(error);
  await ports.journal.tell({
    type: 'inference_retry',
    round: snapshot.round,
    attempt: snapshot.attempt,
    code: error.code,
    message: error.message,
    delay_ms: Math.round(delayMs),
    retry: patience.retries,
    max_retries: MAX_RETRIES,
  });
  await ports.pause(delayMs, terms.signal);
  patience.cause = error.interruption ?? 'connection_reset';
  return true;
}
