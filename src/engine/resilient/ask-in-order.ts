import { EngineError, toEngineError } from '../engine-error.js';
import type { Engine } from '../engine.js';
import { nobodyAnswered, type Refusal } from './nobody-answered.js';
import type { PoolMember } from './pool-member.js';

/**
 * The first answer that a member gives whole. Members that fail are passed over, and so are those that refuse the
 * request: what one model cannot do, another may. Rejects with an EngineError, or as the signal does.
 */
export async function askInOrder<T>(
  members: readonly PoolMember[],
  ask: (engine: Engine) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const passedOver: Refusal[] = [];
  for (const member of members) {
    signal.throwIfAborted();
    const entry = member.enter();
    if (entry.type === 'refused') {
      passedOver.push({ member, why: entry.why });
      continue;
    }
    const { attempt } = entry;
    try {
      const answer = await ask(member.engine);
      attempt.succeeded();
      return answer;
    } catch (reason) {
      const error = signal.aborted ? signal.reason : reason;
      // Who aborts with a failure of the engine, such as its silence, tells of it by the reason.
      if (error instanceof EngineError || !signal.aborted) attempt.failed(toEngineError(error));
      else attempt.abandoned();
      signal.throwIfAborted();
      const failure = toEngineError(error);
      passedOver.push({ member, why: failure.message, error: failure });
    }
  }
  throw refusalOf(passedOver) ?? nobodyAnswered(passedOver);
}

/** Where every member was asked and found fault with the request, that is what is wrong. */
function refusalOf(passedOver: readonly Refusal[]): EngineError | undefined {
  const faults = passedOver.map(({ error }) => error).filter(isFaultOfRequest);
  return faults.length === passedOver.length ? faults[0] : undefined;
}

function isFaultOfRequest(error: EngineError | undefined): error is EngineError {
  return error?.code === 'invalid_request' || error?.code === 'context_overflow';
}
