import type { Engine } from './engine.js';
import type { EngineError } from './engine-error.js';

/** Stands where an engine could not be made at all: every use of it tells why. */
export function failedEngine(model: string, error: EngineError): Engine {
  return {
    async *generate() {
      yield { type: 'error', error, received: { text: '', reasoning: '', completeCalls: [] } };
    },
    embed: () => Promise.reject(error),
    rank: () => Promise.reject(error),
    count: () => Promise.reject(error),
    capabilities: () => Promise.reject(error),
    status: () => ({ state: 'failed', model, message: error.message }),
    close: () => Promise.resolve(),
  };
}
