import { join } from 'node:path';
import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { PROJECT_ROOT } from '../config/project-root.js';
import { DomainError } from '../errors.js';
import { settlesWithin } from '../settles-within.js';
import { thisMachine } from './bubblewrap/bubblewrap-machine.js';
import { BubblewrapSandboxProvider } from './bubblewrap/bubblewrap-sandbox-provider.js';
import { bubblewrapSandboxOptions } from './bubblewrap/options-from-config.js';
import { rootFileSystemPath } from './bubblewrap/root-file-system.js';
import { DockerSandboxProvider } from './docker/docker-sandbox-provider.js';
import { dockerSandboxOptions } from './docker/options-from-config.js';
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

async function createProvider(config: Config, logger: PinoLogger): Promise<SandboxProvider> {
  const { sandbox } = config;
  const log = (message: string): void => logger.info(message);
  const egress = new GuardedEgress(sandbox.egress, createEgressLog(logger));
  switch (sandbox.provider) {
    case 'none':
      return new NoSandboxProvider(
        'GANTRY_SANDBOX is none. Set it to auto to run Python and shell commands in containers.',
      );
    case 'bubblewrap':
      return bubblewrapProvider(config, egress, log);
    case 'docker':
      return dockerProvider(config, egress, log);
    case 'auto':
      return new SandboxLadder([
        () => dockerProvider(config, egress, log),
        () => bubblewrapProvider(config, egress, log),
      ]);
    default:
      return sandbox.provider satisfies never;
  }
}

async function dockerProvider(
  config: Config,
  egress: Egress,
  log: (message: string) => void,
): Promise<SandboxProvider> {
  const folder = join(PROJECT_ROOT, 'sandboxes');
  const options = dockerSandboxOptions(config.sandbox, {
    instanceId: await instanceId(config.home),
    images: { python: await sandboxImage(folder), slim: await slimSandboxImage(folder) },
    kernelVersion: await kernelVersion(folder),
    keepsWarm: config.runs.worker,
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
  const rootFileSystem = await rootFileSystemPath(home, join(PROJECT_ROOT, 'sandboxes'));
  const options = bubblewrapSandboxOptions(sandbox, rootFileSystem, runs.worker);
  return new BubblewrapSandboxProvider({ ...options, egress }, log, thisMachine());
}

/** Where untrusted code runs: containers for Python and shells, isolates for JavaScript. */
@Global()
@Module({
  providers: [
    { provide: SANDBOX_PROVIDER, inject: [CONFIG, PinoLogger], useFactory: createProvider },
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
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    const closed = Promise.all([this.provider.close(), this.isolates.close()]);
    if (!(await settlesWithin(closed, CLOSE_MS)))
      this.logger.warn('Sandboxes took too long to end; they end with this process.');
  }
}
