import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { RunQueue } from '../../src/runs/run-queue.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** Each of these ends a password that stands in a URL as it is, or breaks the URL. */
const PASSWORD = 'a/b#c?d%e@f:g h';
const role = `role_${randomBytes(6).toString('hex')}`;
let database: TestDatabase;

async function asSuperuser(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject('superuserUrl') });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

beforeAll(async () => {
  database = await createTestDatabase();
  await asSuperuser(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${PASSWORD}'`);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await database.drop();
  await asSuperuser(`DROP ROLE ${role}`);
});

test('every connection takes the password from PGPASSWORD where the URL has none, as in the compose file', async () => {
  vi.stubEnv('PGPASSWORD', PASSWORD);
  const url = new URL(database.url);
  url.username = role;
  url.password = '';
  const dataSource = await createDataSource(url.href).initialize();
  expect(await dataSource.query('SELECT current_user AS name')).toEqual([{ name: role }]);
  await dataSource.destroy();
  const warn = vi.fn();
  const queue = new RunQueue(url.href, { warn });
  await queue.start();
  await queue.close(0);
  expect(warn).not.toHaveBeenCalled();
});
