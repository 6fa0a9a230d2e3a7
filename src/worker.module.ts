import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { EngineModule } from './engine/engine.module.js';
import { EventsModule } from './events/events.module.js';
import { LoggingModule } from './observability/logging.module.js';
import { RunWorkerModule } from './runs/run-worker.module.js';
import { RunsModule } from './runs/runs.module.js';
import { SandboxModule } from './sandbox/sandbox.module.js';
import { ToolsModule } from './tools/tools.module.js';

/** What server and worker share; the order is the order of start. */
export const CORE_MODULES = [
  LoggingModule,
  DatabaseModule,
  EventsModule,
  EngineModule,
  SandboxModule,
  ToolsModule,
  RunsModule,
];

/** The worker-only root: works runs, listens on no port. */
@Module({})
export class WorkerModule {
  static with(config: Config): DynamicModule {
    return { module: WorkerModule, imports: [ConfigModule.with(config), ...CORE_MODULES, RunWorkerModule] };
  }
}
