import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { ApiKeyService } from './auth/api-key.service.js';
import { Authenticator } from './auth/authenticator.js';
import type { Config } from './config/config.js';
import { GantryWsAdapter } from './gateway/gantry-ws.adapter.js';
import { settlesWithin } from './settles-within.js';
import { WorkerModule } from './worker.module.js';

export interface RunningServer {
  /** `http://host:port`, with the port really taken. */
  readonly url: string;
  /** Made now, and never to be read again; absent when there were keys already. */
  readonly newKey: string | undefined;
  close(): Promise<void>;
}

/** Requests that are under way when nothing else is left to do get about this long. */
const LAST_REQUESTS_MS = 1000;
/** A start that failed may have taken up runs already; to let go of them takes about this long at most. */
const FAILED_START_MS = 15_000;

/**
 * The server on its port, with the worker in the same process unless the configuration says otherwise. Where the port
 * cannot be had it rejects, and nothing is left behind: the embedded PostgreSQL would outlive the process.
 */
export async function serve(config: Config): Promise<RunningServer> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), {
    bufferLogs: true,
    // A start that fails says why in one line of its own, not after a page of Nest's.
    autoFlushLogs: false,
    bodyParser: false,
    abortOnError: false,
  });
  try {
    return await open(app, config);
  } catch (error) {
    await settlesWithin(app.close(), FAILED_START_MS).catch(() => false);
    throw error;
  }
}

async function open(app: NestExpressApplication, config: Config): Promise<RunningServer> {
  app.useLogger(app.get(Logger));
  app.flushLogs();
  app.disable('x-powered-by');
  const authenticator = app.get(Authenticator);
  app.useWebSocketAdapter(
    new GantryWsAdapter(app, {
      source: config.http,
      authenticate: (headers) => authenticator.authenticate(headers),
    }),
  );
  const firstKey = await app.get(ApiKeyService).ensureFirstKey();
  await app.listen(config.http.port, config.http.host);
  const http: Server = app.getHttpServer();
  const { port } = http.address() as AddressInfo;
  const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host;
  return {
    url: `http://${host}:${port}`,
    newKey: firstKey?.key,
    close: () => closeWithoutStragglers(app, http),
  };
}

/** A client that does not send the rest of its request, or does not read its answer, holds nobody up. */
async function closeWithoutStragglers(app: NestExpressApplication, http: Server): Promise<void> {
  const cut = setInterval(() => {
    if (!http.listening) http.closeAllConnections();
  }, LAST_REQUESTS_MS);
  try {
    await app.close();
  } finally {
    clearInterval(cut);
  }
}

/** A process that only works runs. */
export async function work(config: Config): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(WorkerModule.with(config), {
    bufferLogs: true,
    // A start that fails says why in one line of its own, not after a page of Nest's.
    autoFlushLogs: false,
    abortOnError: false,
  });
  app.useLogger(app.get(Logger));
  app.flushLogs();
  return app;
}
