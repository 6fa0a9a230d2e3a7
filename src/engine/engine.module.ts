import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { ENGINE, type Engine } from './engine.js';
import { createLlamaEngine } from './llama/llama-engine.js';

function createEngine({ engine, home, acceleratorEnvironment }: Config, logger: PinoLogger): Engine {
  return createLlamaEngine({
    model: engine.model,
    homeDirectory: home,
    contextSize: engine.contextSize,
    threads: engine.threads,
    gpu: engine.gpu === 'off' ? false : engine.gpu,
    sequences: engine.sequences,
    environment: acceleratorEnvironment,
    log: (level, message) => logger[level](message),
  });
}

/** The model, loading from the moment the process starts. */
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
