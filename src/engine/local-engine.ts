import { realpathSync } from 'node:fs';
import type { PinoLogger } from 'nestjs-pino';
import type { Config } from '../config/config.js';
import { demoModelPath } from '../models/demo-model.js';
import type { Engine, EngineStatus } from './engine.js';
import { createLlamaEngine } from './llama/llama-engine.js';
import { reportLoading } from './report-loading.js';
import type { ResidentSettings } from './resident/resident-settings.js';

export interface LocalEngineTerms {
  readonly config: Config;
  readonly logger: PinoLogger;
  readonly onStatus: (status: EngineStatus) => void;
}

/** The engine of a model that this server loads itself: a form of MODEL's, or the path of its first file. */
export function createLocalEngine(
  model: string,
  settings: ResidentSettings,
  { config, logger, onStatus }: LocalEngineTerms,
): Engine {
  const { engine, home, hub, acceleratorEnvironment: environment } = config;
  const report = reportLoading((line) => logger.info(line));
  return createLlamaEngine({
    ...settings,
    // By its name it has the temperature that it was made for.
    model: isDemo(model) ? 'demo' : model,
    homeDirectory: home,
    hub,
    gpu: engine.gpu === 'off' ? false : engine.gpu,
    stateCacheBytes: engine.stateCacheBytes,
    environment,
    // llama.cpp tells a hundred lines at each load; they are kept and shown when a load fails.
    log: (level, message) => logger[level === 'info' ? 'debug' : level](message),
    onStatus: (status) => {
      onStatus(status);
      report(status);
    },
  });
}

function isDemo(path: string): boolean {
  try {
    return path === realpathSync(demoModelPath());
  } catch {
    return false;
  }
}
