import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { ApprovalExpiry } from '../approvals/approval-expiry.js';
import { CONFIG, type Config } from '../config/config.js';
import { DatabaseServer } from '../database/database.module.js';
import { ENGINE, type Engine } from '../engine/engine.js';
import { EventsModule } from '../events/events.module.js';
import { ChunkWriter } from '../events/chunk-writer.js';
import { EventLog } from '../events/event-log.js';
import { FileService } from '../files/file.service.js';
import { FilesModule } from '../files/files.module.js';
import { EngineMetrics } from '../observability/metrics/engine-metrics.js';
import { EngineMetricsModule } from '../observability/metrics/engine-metrics.module.js';
import { settlesWithin } from '../settles-within.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import { WorkspaceService } from '../workspaces/workspace.service.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { RunQueue } from './run-queue.js';
import { RunSweeper } from './run-sweeper.js';
import { RunWorker, type RunWorkerParts } from './run-worker.js';
import { WorkerLease } from './worker-lease.js';

/** For the end; a call whose code does not heed anything is given up before that. */
const STOP_MS = 6500;

/** The parts in the order of `createWorker`'s parameters. */
const PARTS = [
  CONFIG,
  DataSource,
  EventLog,
  ChunkWriter,
  ENGINE,
  ToolRegistry,
  WorkspaceService,
  FileService,
  EngineMetrics,
] as const;

function createWorker(
  queue: RunQueue,
  { url }: DatabaseServer,
  logger: PinoLogger,
  ...[config, dataSource, log, chunks, engine, registry, workspaces, files, metrics]: [
    Config,
    DataSource,
    EventLog,
    ChunkWriter,
    Engine,
    ToolRegistry,
    WorkspaceService,
    FileService,
    EngineMetrics,
  ]
): RunWorker {
  const lease = new WorkerLease(url, logger);
  const parts: RunWorkerParts = {
    config,
    dataSource,
    log,
    chunks,
    engine,
    registry,
    workspaces,
    files,
    queue,
    lease,
    onRetry: (failure) => metrics.retried(failure),
    logger,
  };
  return new RunWorker(parts);
}

/** Works runs in this process. */
@Module({
  imports: [EngineMetricsModule, EventsModule, FilesModule, WorkspacesModule],
  providers: [
    {
      provide: RunWorker,
      inject: [RunQueue, DatabaseServer, PinoLogger, ...PARTS],
      useFactory: createWorker,
    },
    {
      provide: RunSweeper,
      inject: [EventLog, RunQueue, RunWorker, ApprovalExpiry, PinoLogger],
      useFactory: (
        log: EventLog,
        queue: RunQueue,
        worker: RunWorker,
        expiry: ApprovalExpiry,
        logger: PinoLogger,
      ) => new RunSweeper(log, queue, worker, expiry, logger),
    },
  ],
})
export class RunWorkerModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(RunWorker) private readonly worker: RunWorker,
    @Inject(RunSweeper) private readonly sweeper: RunSweeper,
    @Inject(PinoLogger) private readonly logger: PinoLogger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.worker.start();
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    const stopped = this.sweeper.stop().then(() => this.worker.stop());
    if (!(await settlesWithin(stopped, STOP_MS)))
      this.logger.warn('Runs took too long to let go of; they are taken up when this process is gone.');
  }
}
