import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url).initialize();
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

test('the entities say what the migrations made: every table, column, type and null', async () => {
  const migrated = await dataSource.query<{ table: string; name: string; type: string; nullable: boolean }[]>(
    `SELECT table_name AS table, column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migrations'`,
  );
  const described = dataSource.entityMetadatas.flatMap(({ tableName, columns }) =>
    columns.map(({ databaseName, type, isNullable }) => ({
      table: tableName,
      name: databaseName,
      type: type === 'timestamptz' ? 'timestamp with time zone' : String(type),
      nullable: isNullable,
    })),
  );
  const lines = (columns: typeof described) =>
    columns
      .map(({ table, name, type, nullable }) => `${table}.${name} ${type}${nullable ? ' null' : ''}`)
      .toSorted();
  expect(lines(described)).toEqual(lines(migrated));
});

test('every migration can be taken back', async () => {
  for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
  const left = await dataSource.query<unknown[]>(
    `SELECT 1 FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'schema_migrations'`,
  );
  expect(left).toEqual([]);
});
