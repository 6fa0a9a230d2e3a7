import type { RunTools } from './ports.js';
import type { CallSnapshot, RunSnapshot } from './snapshot.js';

/**
 * Runs a round's startable calls: parallel ones at once, serial ones in call order beside them.
 * Waits for all even when one rejects, so that no call outlives the step that started it. An abort starts no further
 * one: it is cancelled with its run, or another worker's to start.
 */
export async function executeCalls(
  tools: Pick<RunTools, 'isSerial' | 'execute'>,
  calls: readonly CallSnapshot[],
  snapshot: RunSnapshot,
  signal: AbortSignal,
): Promise<void> {
  const serial = calls.filter((call) => tools.isSerial(call.name));
  const parallel = calls.filter((call) => !tools.isSerial(call.name));
  const inOrder = async () => {
    for (const call of serial) {
      if (signal.aborted) return;
      await tools.execute(call, snapshot, signal);
    }
  };
  const settled = await Promise.allSettled([
    inOrder(),
    ...parallel.map((call) => tools.execute(call, snapshot, signal)),
  ]);
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}
