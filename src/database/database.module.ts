import { join } from 'node:path';
import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { settlesWithin } from '../settles-within.js';
import { createDataSource } from './data-source.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.js';

/** Any number; every process that migrates uses this one, so that only one does at a time. */
const MIGRATION_LOCK = 4_702_002;

/** For the end: a query that hangs must not hold it up. */
const DISCONNECT_MS = 3000;

/** Where the database is, and how to let go of it. */
export class DatabaseServer {
  constructor(
    readonly url: string,
    readonly stop: () => Promise<void>,
  ) {}
}

async function startServer(config: Config, logger: PinoLogger): Promise<DatabaseServer> {
  if (config.databaseUrl !== undefined)
    return new DatabaseServer(config.databaseUrl, () => Promise.resolve());
  const embedded: EmbeddedPostgres = await startEmbeddedPostgres({
    directory: join(config.home, 'postgres'),
    log: (line) => logger.info(line),
  });
  return new DatabaseServer(embedded.url, () => embedded.stop());
}

/** An initialized data source on a migrated schema. */
export async function openDatabase(url: string): Promise<DataSource> {
  const dataSource = await createDataSource(url).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations({ transaction: 'each' });
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    await runner.release();
  }
  return dataSource;
}

/** `DATABASE_URL`, or a PostgreSQL of our own under the data directory. */
@Global()
@Module({
  providers: [
    { provide: DatabaseServer, inject: [CONFIG, PinoLogger], useFactory: startServer },
    {
      provide: DataSource,
      inject: [DatabaseServer],
      useFactory: ({ url }: DatabaseServer) => openDatabase(url),
    },
  ],
  exports: [DatabaseServer, DataSource],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(DatabaseServer) private readonly server: DatabaseServer,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await settlesWithin(this.dataSource.destroy(), DISCONNECT_MS);
    await this.server.stop();
  }
}
