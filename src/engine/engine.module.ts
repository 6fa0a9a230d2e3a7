import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { ENGINE, type Engine, type EngineStatus } from './engine.js';
import { engineElsewhere } from './engine-elsewhere.js';
import { createLlamaEngine } from './llama/llama-engine.js';
import { createOpenAiEngine } from './openai/openai-engine.js';
import { isSameServer, OPENAI_PREFIX, publicModelName } from './openai/upstream-address.js';
import { describePoolEvent } from './resilient/pool-event.js';
import { createResilientEngine } from './resilient/resilient-engine.js';

function createEngine(config: Config, logger: PinoLogger): Engine {
  const { model, fallbackModels } = config.engine;
  if (!config.runs.worker)
    return engineElsewhere(publicModelName(model), fallbackModels.map(publicModelName));
  const create = (name: string) => createModelEngine(name, config, logger);
  if (fallbackModels.length === 0) return create(model);
  const entryOf = (name: string) => ({ name: publicModelName(name), engine: create(name) });
  return createResilientEngine([entryOf(model), ...fallbackModels.map(entryOf)], {
    onTransition: (event) => logger.warn({ pool: event.type }, describePoolEvent(event)),
  });
}

function createModelEngine(
  model: string,
  { engine, home, hub, acceleratorEnvironment }: Config,
  logger: PinoLogger,
): Engine {
  const onStatus = reportLoading((line) => logger.info(line));
  if (model.startsWith(OPENAI_PREFIX)) {
    const key = keyFor(model, engine);
    return createOpenAiEngine({
      model,
      ...(key === undefined ? {} : { key }),
      contextSize: engine.contextSize,
      parallel: engine.sequences,
      onStatus,
    });
  }
  return createLlamaEngine({
    model,
    homeDirectory: home,
    hub,
    contextSize: engine.contextSize,
    threads: engine.threads,
    gpu: engine.gpu === 'off' ? false : engine.gpu,
    sequences: engine.sequences,
    stateCacheBytes: engine.stateCacheBytes,
    environment: acceleratorEnvironment,
    // llama.cpp tells a hundred lines at each load; they are kept and shown when a load fails.
    log: (level, message) => logger[level === 'info' ? 'debug' : level](message),
    onStatus,
  });
}

/** The key is that of the first server named; a server elsewhere does not get it. */
function keyFor(model: string, { model: first, fallbackModels, upstreamKey }: Config['engine']) {
  const owner = [first, ...fallbackModels].find((name) => name.startsWith(OPENAI_PREFIX)) ?? model;
  return isSameServer(owner, model) ? upstreamKey : undefined;
}

/** Each phase once, and within one a line a second at most. */
function reportLoading(report: (line: string) => void): (status: EngineStatus) => void {
  let told = { step: '', at: 0 };
  return (status) => {
    const step = status.state === 'loading' ? status.phase : status.state;
    if (step === told.step && performance.now() - told.at < 1000) return;
    told = { step, at: performance.now() };
    report(describeStatus(status));
  };
}

function describeStatus(status: EngineStatus): string {
  switch (status.state) {
    case 'loading':
      return `Model ${status.model}: ${status.phase}, ${Math.round(status.progress * 100)} %.`;
    case 'ready':
      return `Model ${status.model} is ready on ${status.device}, with ${status.contextSize} tokens of context.`;
    case 'remote':
      return `Model ${status.model} is ready on ${status.url} (${status.kind}), with ${status.contextSize} tokens of context by ${status.contextFrom}.`;
    case 'pool':
      return `${status.members.length} models, ${status.model} first.`;
    case 'failed':
      return `Model ${status.model} could not be loaded: ${status.message} ${status.hint ?? ''}`;
    case 'elsewhere':
      return `Model ${status.model} is with the workers.`;
    case 'closed':
      return `Model ${status.model} is unloaded.`;
    default:
      return status satisfies never;
  }
}

/** The model, loading or looked for from the moment the process starts. */
@Global()
@Module({
  providers: [{ provide: ENGINE, inject: [CONFIG, PinoLogger], useFactory: createEngine }],
  exports: [ENGINE],
})
export class EngineModule implements BeforeApplicationShutdown {
  constructor(@Inject(ENGINE) private readonly engine: Engine) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}
