import { createServer } from 'node:net';
import { once } from 'node:events';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { startLeakCheck } from '../support/leak-check.js';
import { createTestDatabase } from '../support/test-database.js';

describe('test databases', () => {
  it('are migrated, and apart from each other', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    expect(one.url).not.toBe(other.url);
    const client = new Client({ connectionString: one.url });
    await client.connect();
    const { rows } = await client.query('SELECT count(*)::int AS migrations FROM schema_migrations');
    expect(rows[0]?.migrations).toBeGreaterThan(0);
    await client.end();
    await one.drop();
    await other.drop();
    await expect(new Client({ connectionString: one.url }).connect()).rejects.toThrow(/does not exist/);
  });

  it('tell on a connection that was left open', async () => {
    const database = await createTestDatabase();
    const client = new Client({ connectionString: database.url, application_name: 'forgotten' });
    client.on('error', () => undefined);
    await client.connect();
    await expect(database.drop()).rejects.toThrow(/forgotten/);
  });
});

describe('startLeakCheck', () => {
  it('tells on a server that was left listening, and is content once it is closed', async () => {
    const check = startLeakCheck();
    const server = createServer().listen(0);
    await once(server, 'listening');
    await expect(check.verify()).rejects.toThrow('1 TCPServerWrap');
    server.close();
    await check.verify();
  });
});
