import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { EngineMetrics } from '../observability/metrics/engine-metrics.js';
import { EngineMetricsModule } from '../observability/metrics/engine-metrics.module.js';
import { meteredEngine } from './metered-engine.js';
import { ENGINE, type Engine, type EngineStatus } from './engine.js';
import { engineElsewhere } from './engine-elsewhere.js';
import { CouncilEngine } from './council/council-engine.js';
import { createLocalEngine } from './local-engine.js';
import { createOpenAiEngine } from './openai/openai-engine.js';
import { isSameServer, OPENAI_PREFIX, publicModelName } from './openai/upstream-address.js';
import { reportLoading } from './report-loading.js';
import { configuredSettings, defaultModel } from './resident/default-model.js';
import { ResidentEngine } from './resident/resident-engine.js';
import { describePoolEvent } from './resilient/pool-event.js';
import { createResilientEngine, type PoolEngine } from './resilient/resilient-engine.js';

function createEngine(config: Config, logger: PinoLogger, metrics: EngineMetrics): Engine {
  const { model, fallbackModels } = config.engine;
  if (!config.runs.worker)
    return engineElsewhere(publicModelName(model), fallbackModels.map(publicModelName));
  const first = defaultModel(config);
  const told = (onStatus: OnStatus) => (status: EngineStatus) => {
    metrics.statusChanged(status);
    onStatus(status);
  };
  const create = (name: string, onStatus: OnStatus) =>
    meteredEngine(createModelEngine(name, config, logger, told(onStatus)), metrics);
  let pool: PoolEngine | undefined;
  first.open((onStatus) => {
    if (fallbackModels.length === 0) return create(model, onStatus);
    const entryOf = (name: string) => ({
      name: publicModelName(name),
      engine: create(name, () => undefined),
    });
    pool = createResilientEngine([entryOf(model), ...fallbackModels.map(entryOf)], {
      onTransition: (event) => {
        metrics.poolChanged(event);
        logger.warn({ pool: event.type }, describePoolEvent(event));
      },
    });
    return pool;
  });
  const resident = new ResidentEngine(first, (path, settings, onStatus) =>
    meteredEngine(createLocalEngine(path, settings, { config, logger, onStatus: told(onStatus) }), metrics),
  );
  return new CouncilEngine(resident, (name) => pool?.member(name) ?? resident.find(name));
}

type OnStatus = (status: EngineStatus) => void;

function createModelEngine(model: string, config: Config, logger: PinoLogger, onStatus: OnStatus): Engine {
  const { engine } = config;
  if (model.startsWith(OPENAI_PREFIX)) {
    const key = keyFor(model, engine);
    return createOpenAiEngine({
      model,
      ...(key === undefined ? {} : { key }),
      contextSize: engine.contextSize,
      input: engine.upstreamInput,
      parallel: engine.sequences,
      onStatus: reportLoading((line) => logger.info(line)),
    });
  }
  return createLocalEngine(model, configuredSettings(engine), { config, logger, onStatus });
}

/** The key is that of the first server named; a server elsewhere does not get it. */
function keyFor(model: string, { model: first, fallbackModels, upstreamKey }: Config['engine']) {
  const owner = [first, ...fallbackModels].find((name) => name.startsWith(OPENAI_PREFIX)) ?? model;
  return isSameServer(owner, model) ? upstreamKey : undefined;
}

/** The model, loading or looked for from the moment the process starts. */
@Global()
@Module({
  imports: [EngineMetricsModule],
  providers: [{ provide: ENGINE, inject: [CONFIG, PinoLogger, EngineMetrics], useFactory: createEngine }],
  exports: [ENGINE],
})
export class EngineModule implements BeforeApplicationShutdown {
  constructor(@Inject(ENGINE) private readonly engine: Engine) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}
