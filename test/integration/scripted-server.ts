import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app.module.js';
import { ApiKeyService } from '../../src/auth/api-key.service.js';
import { Authenticator } from '../../src/auth/authenticator.js';
import { loadConfig } from '../../src/config/config.js';
import { ENGINE, type Engine } from '../../src/engine/engine.js';
import { createScriptedEngine, type ScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';
import { GantryWsAdapter } from '../../src/gateway/gantry-ws.adapter.js';
import { NoSandboxProvider } from '../../src/sandbox/none/no-sandbox-provider.js';
import { SANDBOX_PROVIDER } from '../../src/sandbox/sandbox.js';
import { BUILT_IN_TOOLS, type Tool } from '../../src/tools/tool.js';
import { createTestDatabase } from '../support/test-database.js';

export interface TestServer<E extends Engine> {
  readonly url: string;
  readonly app: INestApplication;
  readonly engine: E;
  /** Of two principals who share nothing. */
  readonly keys: { readonly alice: string; readonly bob: string };
  close(): Promise<void>;
}

export type ScriptedServer = TestServer<ScriptedEngine>;

/** What a test puts in a provider's place, by its token. */
export interface Replacement {
  readonly token: symbol;
  readonly value: unknown;
}

/** The whole server on a real Postgres and a real port; only model, sandbox and tools are scripted. */
export function startScriptedServer(
  tools: readonly Tool[] = [],
  replacements: readonly Replacement[] = [],
): Promise<ScriptedServer> {
  return startServerOn(createScriptedEngine(), tools, replacements);
}

/** The same on another engine, which whoever made it closes. */
export async function startServerOn<E extends Engine>(
  engine: E,
  tools: readonly Tool[] = [],
  replacements: readonly Replacement[] = [],
): Promise<TestServer<E>> {
  const database = await createTestDatabase();
  const config = loadConfig({ DATABASE_URL: database.url, LOG_LEVEL: 'silent' });
  const builder = Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(ENGINE)
    .useValue(engine)
    .overrideProvider(SANDBOX_PROVIDER)
    .useValue(new NoSandboxProvider('This test runs no sandbox.'))
    .overrideProvider(BUILT_IN_TOOLS)
    .useValue(tools);
  for (const { token, value } of replacements) builder.overrideProvider(token).useValue(value);
  const testing = await builder.compile();
  const app = testing.createNestApplication({ bodyParser: false, logger: false });
  const authenticator = app.get(Authenticator, { strict: false });
  app.useWebSocketAdapter(
    new GantryWsAdapter(app, {
      source: config.http,
      authenticate: (headers) => authenticator.authenticate(headers),
    }),
  );
  await app.listen(0, '127.0.0.1');
  const keys = app.get(ApiKeyService, { strict: false });
  const [alice, bob] = [await keys.create('alice', 'test'), await keys.create('bob', 'test')];
  return {
    url: await app.getUrl(),
    app,
    engine,
    keys: { alice: alice.key, bob: bob.key },
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}
