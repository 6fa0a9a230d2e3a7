import { join } from 'node:path';
import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { PROJECT_ROOT } from '../config/project-root.js';
import { DatabaseServer } from '../database/database.module.js';
import { DomainError } from '../errors.js';
import { WorkerLease } from '../runs/worker-lease.js';
import { settlesWithin } from '../settles-within.js';
import { thisMachine } from './bubblewrap/bubblewrap-machine.js';
import { BubblewrapSandboxProvider } from './bubblewrap/bubblewrap-sandbox-provider.js';
import { bubblewrapSandboxOptions } from './bubblewrap/options-from-config.js';
import { rootFileSystemPath } from './bubblewrap/root-file-system.js';
import { DockerSandboxProvider } from './docker/docker-sandbox-provider.js';
import type { KeptSandboxes } from './docker/kept-sandboxes.js';
import { dockerSandboxOptions } from './docker/options-from-config.js';
import { PostgresKeptSandboxes } from './docker/postgres-kept-sandboxes.js';
import { kernelVersion, sandboxImage, slimSandboxImage } from './docker/sandbox-image.js';
import { createEgressLog } from './egress/egress-log.js';
import type { Egress } from './egress/egress.js';
import { GuardedEgress } from './egress/guarded-egress.js';
import { instanceId } from './instance-id.js';
import { IsolatePool } from './isolate/isolate-pool.js';
import { SandboxLadder } from './ladder/sandbox-ladder.js';
import { NoSandboxProvider } from './none/no-sandbox-provider.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from './sandbox.js';

/** For the end. Sandboxes that are not gone by then go with this process, or the janitor of the next takes them. */
const CLOSE_MS = 5000;

const SANDBOXES = join(PROJECT_ROOT, 'sandboxes');
const LEASE = Symbol('SandboxLease');

/** By it other processes know that this one has its sandboxes; undefined where none outlives its process. */
async function createLease(
  { sandbox }: Config,
  { url }: DatabaseServer,
  logger: PinoLogger,
): Promise<WorkerLease | undefined> {
  const isNeeded = sandbox.surviveRestart && ['auto', 'docker'].includes(sandbox.provider);
  if (!isNeeded) return undefined;
  const lease = new WorkerLease(url, logger);
  await lease.start();
  return lease;
}

async function createProvider(
  config: Config,
  logger: PinoLogger,
  dataSource: DataSource,
  lease: WorkerLease | undefined,
): Promise<SandboxProvider> {
  const { sandbox } = config;
  const log = (message: string): void => logger.info(message);
  const kept = lease && (await keptSandboxes(config, dataSource, lease));
  const egress = new GuardedEgress(sandbox.egress, createEgressLog(logger));
  switch (sandbox.provider) {
    case 'none':
      return new NoSandboxProvider(
        'GANTRY_SANDBOX is none. Set it to auto to run Python and shell commands in containers.',
      );
    case 'bubblewrap':
      return bubblewrapProvider(config, egress, log);
    case 'docker':
      return dockerProvider(config, kept, egress, log);
    case 'auto':
      return new SandboxLadder([
        () => dockerProvider(config, kept, egress, log),
        () => bubblewrapProvider(config, egress, log),
      ]);
    default:
      return sandbox.provider satisfies never;
  }
}

async function keptSandboxes(
  { home }: Config,
  dataSource: DataSource,
  { workerId: id }: WorkerLease,
): Promise<KeptSandboxes> {
  return new PostgresKeptSandboxes(dataSource, {
    id,
    instanceId: await instanceId(home),
    kernelVersion: await kernelVersion(SANDBOXES),
  });
}

async function dockerProvider(
  config: Config,
  kept: KeptSandboxes | undefined,
  egress: Egress,
  log: (message: string) => void,
): Promise<SandboxProvider> {
  const options = dockerSandboxOptions(config.sandbox, {
    instanceId: await instanceId(config.home),
    images: { python: await sandboxImage(SANDBOXES), slim: await slimSandboxImage(SANDBOXES) },
    kernelVersion: await kernelVersion(SANDBOXES),
    keepsWarm: config.runs.worker,
    kept,
  });
  try {
    return new DockerSandboxProvider({ ...options, egress }, log);
  } catch (error) {
    if (error instanceof DomainError) return new NoSandboxProvider(error.message);
    throw error;
  }
}

async function bubblewrapProvider(
  { sandbox, home, runs }: Config,
  egress: Egress,
  log: (message: string) => void,
): Promise<SandboxProvider> {
  const rootFileSystem = await rootFileSystemPath(home, SANDBOXES);
  const options = bubblewrapSandboxOptions(sandbox, rootFileSystem, runs.worker);
  return new BubblewrapSandboxProvider({ ...options, egress }, log, thisMachine());
}

/** Where untrusted code runs: containers for Python and shells, isolates for JavaScript. */
@Global()
@Module({
  providers: [
    { provide: LEASE, inject: [CONFIG, DatabaseServer, PinoLogger], useFactory: createLease },
    {
      provide: SANDBOX_PROVIDER,
      inject: [CONFIG, PinoLogger, DataSource, LEASE],
      useFactory: createProvider,
    },
    {
      provide: IsolatePool,
      useFactory: async () => {
        const pool = new IsolatePool();
        await pool.ready();
        return pool;
      },
    },
  ],
  exports: [SANDBOX_PROVIDER, IsolatePool],
})
export class SandboxModule implements BeforeApplicationShutdown {
  constructor(
    @Inject(SANDBOX_PROVIDER) private readonly provider: SandboxProvider,
    @Inject(IsolatePool) private readonly isolates: IsolatePool,
    @Inject(PinoLogger) private readonly logger: PinoLogger,
    @Inject(LEASE) private readonly lease: WorkerLease | undefined,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    const sandboxesClosed = this.provider.close().finally(() => this.lease?.close());
    const closed = Promise.all([sandboxesClosed, this.isolates.close()]);
    if (!(await settlesWithin(closed, CLOSE_MS)))
      this.logger.warn('Sandboxes took too long to end; they end with this process.');
  }
}
