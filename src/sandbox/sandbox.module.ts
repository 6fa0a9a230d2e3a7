import { join } from 'node:path';
import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { PROJECT_ROOT } from '../config/project-root.js';
import { DomainError } from '../errors.js';
import { DockerSandboxProvider } from './docker/docker-sandbox-provider.js';
import { dockerSandboxOptions } from './docker/options-from-config.js';
import { kernelVersion, sandboxImage, slimSandboxImage } from './docker/sandbox-image.js';
import { instanceId } from './instance-id.js';
import { IsolatePool } from './isolate/isolate-pool.js';
import { NoSandboxProvider } from './none/no-sandbox-provider.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from './sandbox.js';

async function createProvider(config: Config, logger: PinoLogger): Promise<SandboxProvider> {
  const { sandbox } = config;
  switch (sandbox.provider) {
    case 'none':
      return new NoSandboxProvider(
        'GANTRY_SANDBOX is none. Set it to auto to run Python and shell commands in containers.',
      );
    case 'bubblewrap':
      return new NoSandboxProvider(
        'This build has no bubblewrap sandbox yet. Set GANTRY_SANDBOX to auto to use Docker.',
      );
    case 'auto':
    case 'docker':
      return dockerProvider(config, (message) => logger.info(message));
    default:
      return sandbox.provider satisfies never;
  }
}

async function dockerProvider(config: Config, log: (message: string) => void): Promise<SandboxProvider> {
  const folder = join(PROJECT_ROOT, 'sandboxes');
  const options = dockerSandboxOptions(config.sandbox, {
    instanceId: await instanceId(config.home),
    images: { python: await sandboxImage(folder), slim: await slimSandboxImage(folder) },
    kernelVersion: await kernelVersion(folder),
    keepsWarm: config.runs.worker,
  });
  try {
    return new DockerSandboxProvider(options, log);
  } catch (error) {
    if (error instanceof DomainError) return new NoSandboxProvider(error.message);
    throw error;
  }
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
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.provider.close(), this.isolates.close()]);
  }
}
