import { availableMemory } from 'node:process';
import type { DataSource } from 'typeorm';
import type { Config } from '../../config/config.js';
import type { Engine } from '../../engine/engine.js';
import { ModelLifecycle } from '../../engine/resident/model-lifecycle.js';
import type { ResidentEngine } from '../../engine/resident/resident-engine.js';
import { residentEngineOf } from '../../engine/resident-engine-of.js';
import { modelsFolder } from '../../models/models-folder.js';
import { runModelUsers } from '../../runs/run-model-users.js';
import type { RunService } from '../../runs/run.service.js';

/** Share of the free memory that a model may take where no budget is set. */
const SHARE_OF_FREE = 0.9;

/** Undefined where this process has no engine of its own. */
export function createLifecycle(
  whole: Engine,
  config: Config,
  dataSource: DataSource,
  runs: RunService,
): ModelLifecycle | undefined {
  const engine = residentEngineOf(whole);
  if (engine === undefined) return undefined;
  return new ModelLifecycle({
    engine,
    users: runModelUsers(dataSource, runs),
    modelsDirectory: modelsFolder(config.home),
    hub: config.hub,
    budgetBytes: config.engine.modelMemoryBytes,
    freeBytes: () => (isOnGpu(engine) ? Infinity : availableMemory() * SHARE_OF_FREE),
  });
}

/** How a model is split between a GPU's memory and ours is the library's to find. */
function isOnGpu(engine: ResidentEngine): boolean {
  return engine.residents().some((model) => {
    const status = model.status();
    return status.state === 'ready' && status.device !== 'cpu';
  });
}
