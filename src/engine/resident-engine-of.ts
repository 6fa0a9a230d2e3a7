import { CouncilEngine } from './council/council-engine.js';
import type { Engine } from './engine.js';
import { ResidentEngine } from './resident/resident-engine.js';

/** The engine over the models in this process's memory; undefined where there is none. */
export function residentEngineOf(engine: Engine): ResidentEngine | undefined {
  if (engine instanceof CouncilEngine) return residentEngineOf(engine.engine);
  return engine instanceof ResidentEngine ? engine : undefined;
}
