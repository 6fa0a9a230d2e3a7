import { EngineError } from '../engine-error.js';
import { tellPassedOver } from './pool-event.js';
import type { PoolMember } from './pool-member.js';

/** A member that did not answer: it was asked and failed with `error`, or was not asked. */
export interface Refusal {
  readonly member: PoolMember;
  readonly why: string;
  readonly error?: EngineError;
}

/**
 * The error of a turn that no member answered. While one of them may be asked again at once and its failure may
 * pass, so may this one: else a pool would have less patience than each of its members alone.
 */
export function nobodyAnswered(refusals: readonly Refusal[]): EngineError {
  const said = tellPassedOver(refusals.map(({ member, why }) => ({ name: member.name, why })));
  const passing = refusals.filter(({ member, error }) => error?.retryable === true && member.admits);
  const waits = (passing.length > 0 ? passing : refusals).flatMap(
    ({ member, error }) => member.waitMs ?? error?.retryAfterMs ?? [],
  );
  const wait = waits.length === 0 ? {} : { retryAfterMs: Math.ceil(Math.min(...waits)) };
  const code = passing[0]?.error?.code ?? 'all_models_unavailable';
  return new EngineError(code, `No model answered. ${said}`, wait);
}
