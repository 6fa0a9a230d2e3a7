import { expect, test } from 'vitest';
import pg from 'pg';
import { GuardedClient } from '../../src/database/guarded-client.js';
import { createTestDatabase } from '../support/test-database.js';

test('a connection that breaks between two queries of a transaction is an error of the next one', async () => {
  const database = await createTestDatabase();
  const pool = new pg.Pool({ connectionString: database.url, Client: GuardedClient });
  pool.on('error', () => undefined);
  const client = await pool.connect();
  await client.query('BEGIN');
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const ended = new Promise((resolve) => void client.once('end', resolve));
  await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
  await ended;
  await expect(client.query('COMMIT')).rejects.toThrow();
  client.release();
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
  await database.drop();
});
