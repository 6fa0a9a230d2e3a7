import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { ENGINE, type Engine, type EngineStatus } from './engine.js';
import { engineElsewhere } from './engine-elsewhere.js';
import { createLlamaEngine } from './llama/llama-engine.js';
import { createOpenAiEngine } from './openai/openai-engine.js';
import { OPENAI_PREFIX } from './openai/upstream-address.js';

function createEngine(
  { engine, home, hub, acceleratorEnvironment, runs }: Config,
  logger: PinoLogger,
): Engine {
  if (!runs.worker) return engineElsewhere(engine.model);
  const onStatus = reportLoading((line) => logger.info(line));
  if (engine.model.startsWith(OPENAI_PREFIX)) {
    return createOpenAiEngine({
      model: engine.model,
      ...(engine.upstreamKey === undefined ? {} : { key: engine.upstreamKey }),
      contextSize: engine.contextSize,
      parallel: engine.sequences,
      onStatus,
    });
  }
  return createLlamaEngine({
    model: engine.model,
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
