import { EngineError, type EngineErrorCode } from '../engine-error.js';
import type { ExpertEnd } from './ask-expert.js';

/** Failures of the request: another try would not mend them, and whoever asks may. */
const FAULTS_OF_REQUEST: ReadonlySet<EngineErrorCode> = new Set([
  'context_overflow',
  'invalid_request',
  'content_filtered',
]);

export interface Unusable {
  readonly name: string;
  readonly end: ExpertEnd;
}

/**
 * The error of a council of which nobody gave a usable turn, with what each said. A fault of the request that all name
 * stays what it is. It may be tried again while one of the failures may pass; an expert that took too long would again.
 */
export function nobodyUsable(council: readonly Unusable[]): EngineError {
  const said = council.map(({ name, end }) => `${name}: ${why(end)}`).join(' ');
  const errors = council.flatMap(({ end }) => (end.type === 'failed' ? [end.error] : []));
  const codes = new Set(errors.map(({ code }) => code));
  const [only] = codes;
  const isFaultOfRequest =
    errors.length === council.length && codes.size === 1 && only !== undefined && FAULTS_OF_REQUEST.has(only);
  const message = `No expert of the council gave a usable answer. ${said}`;
  if (isFaultOfRequest) return new EngineError(only, message);
  const waits = errors.flatMap((error) => (error.retryable ? (error.retryAfterMs ?? []) : []));
  return new EngineError('all_models_unavailable', message, {
    retryable: errors.some(({ retryable }) => retryable),
    ...(waits.length === 0 ? {} : { retryAfterMs: Math.min(...waits) }),
  });
}

function why(end: ExpertEnd): string {
  if (end.type !== 'turn') return end.error.message;
  return end.reason === 'length' ? 'It reached its limit without an answer.' : 'It said nothing.';
}
