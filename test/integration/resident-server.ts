import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app.module.js';
import { ApiKeyService } from '../../src/auth/api-key.service.js';
import { Authenticator } from '../../src/auth/authenticator.js';
import { loadConfig } from '../../src/config/config.js';
import { ENGINE, type Engine } from '../../src/engine/engine.js';
import { GantryWsAdapter } from '../../src/gateway/gantry-ws.adapter.js';
import { demoModelPath } from '../../src/models/demo-model.js';
import { NoSandboxProvider } from '../../src/sandbox/none/no-sandbox-provider.js';
import { SANDBOX_PROVIDER } from '../../src/sandbox/sandbox.js';
import { createTestDatabase } from '../support/test-database.js';

export interface ResidentServer {
  readonly url: string;
  /** GANTRY_HOME/models. */
  readonly models: string;
  readonly engine: Engine;
  readonly keys: { readonly alice: string; readonly bob: string };
  /** Asks as alice; a body makes it a POST. */
  ask(path: string, body?: unknown, key?: string): Promise<Answer>;
  /** A copy of the demo model under another name. */
  copyDemo(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The whole server with its own engine, the demo model first, on a home of its own. */
export async function startResidentServer(
  environment: Readonly<Record<string, string>> = {},
): Promise<ResidentServer> {
  const database = await createTestDatabase();
  const home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  const models = join(home, 'models');
  await mkdir(models);
  const config = loadConfig({
    DATABASE_URL: database.url,
    GANTRY_HOME: home,
    GANTRY_GPU: 'off',
    GANTRY_PARALLEL: '1',
    GANTRY_CONTEXT_SIZE: '512',
    LOG_LEVEL: 'silent',
    ...environment,
  });
  const testing = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(SANDBOX_PROVIDER)
    .useValue(new NoSandboxProvider('This test runs no sandbox.'))
    .compile();
  const app = testing.createNestApplication({ bodyParser: false, logger: false });
  const authenticator = app.get(Authenticator, { strict: false });
  app.useWebSocketAdapter(
    new GantryWsAdapter(app, {
      source: config.http,
      authenticate: (headers) => authenticator.authenticate(headers),
    }),
  );
  await app.listen(0, '127.0.0.1');
  const apiKeys = app.get(ApiKeyService, { strict: false });
  const [{ key: alice }, { key: bob }] = [
    await apiKeys.create('alice', 'test'),
    await apiKeys.create('bob', 'test'),
  ];
  const url = await app.getUrl();
  return {
    url,
    models,
    engine: app.get<Engine>(ENGINE, { strict: false }),
    keys: { alice, bob },
    ask: async (path, body, key = alice) => {
      const response = await fetch(url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    copyDemo: (name) => copyFile(demoModelPath(), join(models, name)),
    close: async () => {
      await app.close();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
