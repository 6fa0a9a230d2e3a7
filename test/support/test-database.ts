import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { inject } from 'vitest';
import { templateName } from './test-cluster.js';

export interface TestDatabase {
  /** A migrated, empty database that no other test file sees. */
  readonly url: string;
  /** Removes it. Throws when a connection to it is still open: something under test was not closed. */
  drop(): Promise<void>;
}

/** For a test file's `beforeAll`; its `afterAll` calls `drop`. Takes about 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const superuserUrl = inject('superuserUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(superuserUrl, (client) => copyTemplate(client, name));
  const url = new URL(superuserUrl);
  url.pathname = name;
  return { url: url.href, drop: () => withClient(superuserUrl, (client) => dropUnused(client, name)) };
}

/** PostgreSQL copies one template for one at a time, so files that start together wait here for each other. */
async function copyTemplate(client: Client, name: string): Promise<void> {
  await client.query('SELECT pg_advisory_lock(7412009)');
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${templateName} STRATEGY FILE_COPY`);
}

async function dropUnused(client: Client, name: string): Promise<void> {
  const open = await connectionsLeft(client, name);
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  if (open.length > 0) throw new Error(`connections left open on the test database: ${open.join(', ')}`);
}

/** A closed connection is listed a moment longer, hence the patience. */
async function connectionsLeft(client: Client, name: string): Promise<string[]> {
  const deadline = Date.now() + 2000;
  for (;;) {
    const { rows } = await client.query<{ application_name: string; query: string }>(
      'SELECT application_name, left(query, 80) AS query FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    const open = rows.map((row) => `${row.application_name || 'unnamed'} (last: ${row.query})`);
    if (open.length === 0 || Date.now() > deadline) return open;
    await delay(20);
  }
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
