import type { Engine } from './engine.js';
import { EngineError } from './engine-error.js';

/** For a process that works no runs: the model is with those that do. */
export function engineElsewhere(model: string, others: readonly string[]): Engine {
  const error = new EngineError('model_not_found', 'This process works no runs; its workers have the model.');
  return {
    async *generate() {
      yield { type: 'error', error, received: { text: '', reasoning: '', completeCalls: [] } };
    },
    embed: () => Promise.reject(error),
    rank: () => Promise.reject(error),
    count: () => Promise.reject(error),
    capabilities: () => Promise.reject(error),
    status: () => ({ state: 'elsewhere', model, others }),
    close: () => Promise.resolve(),
  };
}
