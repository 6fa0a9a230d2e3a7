import { join } from 'node:path';
import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CONFIG, type Config } from '../config/config.js';
import { PROJECT_ROOT } from '../config/project-root.js';
import { DockerSandboxProvider } from './docker/docker-sandbox-provider.js';
import { sandboxImage } from './docker/sandbox-image.js';
import { instanceId } from './instance-id.js';
import { IsolatePool } from './isolate/isolate-pool.js';
import { NoSandboxProvider } from './none/no-sandbox-provider.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from './sandbox.js';

async function createProvider({ sandbox, home, runs }: Config, logger: PinoLogger): Promise<SandboxProvider> {
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
      return new DockerSandboxProvider(
        {
          instanceId: await instanceId(home),
          image: sandbox.image ?? (await sandboxImage(join(PROJECT_ROOT, 'sandboxes'))),
          ...(sandbox.dockerHost === undefined ? {} : { dockerHost: sandbox.dockerHost }),
          ...(sandbox.runtime === undefined ? {} : { runtime: sandbox.runtime }),
          poolSize: runs.worker ? sandbox.poolSize : 0,
          memoryBytes: sandbox.memoryBytes,
          workspaceBytes: sandbox.workspaceBytes,
          pids: sandbox.processes,
          cpus: sandbox.cpus,
          idleMs: sandbox.idleMs,
        },
        (message) => logger.info(message),
      );
    default:
      return sandbox.provider satisfies never;
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
