import type { EngineError } from '../engine-error.js';
import type { PassedOver } from '../passed-over.js';
import type { BreakerState } from './breaker.js';

/** What a pool tells about itself while it works. */
export type PoolEvent =
  | {
      readonly type: 'breaker';
      readonly name: string;
      readonly from: BreakerState['state'];
      readonly to: BreakerState['state'];
      /** What the member failed with last. */
      readonly error?: EngineError;
    }
  /** A generation went to `name`, since those before it did not answer. */
  | { readonly type: 'fallback'; readonly name: string; readonly passedOver: readonly PassedOver[] }
  /** Nobody answered. */
  | { readonly type: 'exhausted'; readonly passedOver: readonly PassedOver[] };

/** One line for the log. */
export function describePoolEvent(event: PoolEvent): string {
  switch (event.type) {
    case 'breaker':
      return event.to === 'open'
        ? `The model ${event.name} is not asked for a while: ${event.error?.message ?? 'its probe ended without an answer.'}`
        : `The model ${event.name} is ${event.to === 'closed' ? 'asked again.' : 'tried with one request.'}`;
    case 'fallback':
      return `The model ${event.name} is asked instead. ${tellPassedOver(event.passedOver)}`;
    case 'exhausted':
      return `No model answered. ${tellPassedOver(event.passedOver)}`;
    default:
      return event satisfies never;
  }
}

export function tellPassedOver(passedOver: readonly PassedOver[]): string {
  return passedOver.map(({ name, why }) => `${name}: ${why}`).join(' ');
}
