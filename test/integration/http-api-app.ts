import { request as httpRequest } from 'node:http';
import { Global, Module } from '@nestjs/common';
import type { DynamicModule, INestApplication, Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { HttpModule } from '../../src/api/http.module.js';
import { ApiKeyService } from '../../src/auth/api-key.service.js';
import { CONFIG, loadConfig } from '../../src/config/config.js';
import type { Config } from '../../src/config/config.js';
import { createDataSource } from '../../src/database/data-source.js';
import { ENGINE } from '../../src/engine/engine.js';
import type { EngineStatus } from '../../src/engine/engine.js';
import { EventBus } from '../../src/events/event-bus.js';
import { EventLog } from '../../src/events/event-log.js';
import { IsolatePool } from '../../src/sandbox/isolate/isolate-pool.js';
import { SANDBOX_PROVIDER } from '../../src/sandbox/sandbox.js';
import { createTestDatabase } from '../support/test-database.js';

export const ENVIRONMENT_KEY = 'a-key-given-by-the-environment';

export interface TestApp {
  readonly url: string;
  readonly databaseUrl: string;
  readonly dataSource: DataSource;
  readonly log: EventLog;
  readonly engine: { current: EngineStatus };
  /** Keys of two principals who share nothing. */
  readonly keys: { readonly alice: string; readonly bob: string };
  get<T>(token: abstract new (...args: never[]) => T): T;
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly modules: readonly (DynamicModule | (new () => object))[];
  readonly providers?: readonly Provider[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The application's way to the database, if not the direct one. */
  readonly reachDatabase?: (url: string) => Promise<string>;
}

/** The modules under test on a real Postgres behind a real port; engine and sandbox are still ones. */
export async function startTestApp(options: TestAppOptions): Promise<TestApp> {
  const database = await createTestDatabase();
  const config = loadConfig({ LOG_LEVEL: 'silent', ...options.environment });
  const databaseUrl = (await options.reachDatabase?.(database.url)) ?? database.url;
  const dataSource = await createDataSource(databaseUrl).initialize();
  const bus = new EventBus(databaseUrl, { warn: () => undefined, info: () => undefined });
  const log = new EventLog(dataSource, bus);
  const engine = { current: { state: 'closed', model: 'demo' } as EngineStatus };
  const surroundings = surround(config, dataSource, log, engine, options.providers ?? []);
  const testing = await Test.createTestingModule({
    imports: [surroundings, HttpModule, ...options.modules],
  }).compile();
  const app: INestApplication = testing.createNestApplication({ bodyParser: false, logger: false });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const apiKeys = app.get(ApiKeyService);
  const [alice, bob] = [await apiKeys.create('alice', 'test'), await apiKeys.create('bob', 'test')];
  return {
    url,
    databaseUrl,
    dataSource,
    log,
    engine,
    keys: { alice: alice.key, bob: bob.key },
    get: (token) => app.get(token),
    close: async () => {
      await app.close();
      if (dataSource.isInitialized) await dataSource.destroy();
      await bus.close();
      await database.drop();
    },
  };
}

function surround(
  config: Config,
  dataSource: DataSource,
  log: EventLog,
  engine: { current: EngineStatus },
  extra: readonly Provider[],
): DynamicModule {
  const providers: Provider[] = [
    { provide: CONFIG, useValue: config },
    { provide: DataSource, useValue: dataSource },
    { provide: EventBus, useValue: log.bus },
    { provide: EventLog, useValue: log },
    { provide: ENGINE, useValue: { status: () => engine.current } },
    { provide: SANDBOX_PROVIDER, useValue: NO_SANDBOX },
    IsolatePool,
    ...extra,
  ];
  return { module: Surroundings, global: true, providers, exports: providers.map(tokenOf) };
}

@Global()
@Module({})
class Surroundings {}

function tokenOf(provider: Provider) {
  return 'provide' in provider ? provider.provide : provider;
}

const NO_SANDBOX = {
  protections: () => ({
    provider: 'none',
    available: false,
    reason: 'There is no sandbox in this test.',
    network: 'not_applicable',
    notes: [],
  }),
  release: () => Promise.resolve(),
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or undefined for an empty body. */
  readonly body: unknown;
}

export interface Ask {
  readonly key?: string;
  readonly method?: string;
  readonly body?: unknown;
  /** Sent as it is instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function ask(app: Pick<TestApp, 'url'>, path: string, options: Ask = {}): Promise<Answer> {
  const content = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(app.url + path, {
    method: options.method ?? (content === undefined ? 'GET' : 'POST'),
    headers: {
      ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(content === undefined ? {} : { body: content }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** `fetch` does not let a test lie about `Host`. */
export async function askAsHost(
  app: TestApp,
  path: string,
  headers: Record<string, string>,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  httpRequest(app.url + path, { headers, agent: false }, (response) => {
    response.resume();
    response.once('end', () => resolve(response.statusCode ?? 0));
  })
    .once('error', reject)
    .end();
  return promise;
}
