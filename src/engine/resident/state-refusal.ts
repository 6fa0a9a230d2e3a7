import { EngineError } from '../engine-error.js';
import type { ResidentState } from './resident-state.js';

/** Why no request is taken by the model of that name in this state. */
export function refusalIn(state: ResidentState, name: string): EngineError {
  switch (state.type) {
    case 'failed': {
      const hint = state.hint === undefined ? '' : ` ${state.hint}`;
      return new EngineError('model_not_found', `${state.message}${hint}`);
    }
    case 'loading':
    case 'ready':
      return new EngineError('overloaded', `The model "${name}" is not ready.`);
    case 'unloading':
    case 'gone':
      return new EngineError('model_not_found', `The model "${name}" was unloaded.`);
    default:
      return state satisfies never;
  }
}
