import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createDataSource } from '../../src/database/data-source.js';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';

export const templateName = 'gantry_template';

/** A throw-away PostgreSQL whose template database carries every migration. */
export interface TestCluster {
  readonly superuserUrl: string;
  stop(): Promise<void>;
}

export async function startTestCluster(): Promise<TestCluster> {
  const home = await mkdtemp(join(tmpdir(), 'gantry-test-postgres-'));
  // PostgreSQL's own account passes through here when the tests run as root.
  await chmod(home, 0o711);
  const lines: string[] = [];
  const postgres = await startEmbeddedPostgres({
    directory: join(home, 'postgres'),
    durability: 'throwaway',
    log: (line) => lines.push(line),
  });
  const stop = async (): Promise<void> => {
    await postgres.stop();
    const complaint = lines.find(
      (line) => line.includes('keeps running') || line.includes('could not be stopped'),
    );
    if (complaint !== undefined) throw new Error(`after the tests: ${complaint}`);
    await rm(home, { recursive: true, force: true });
  };
  try {
    await makeTemplate(postgres.superuserUrl);
  } catch (error) {
    await stop();
    throw error;
  }
  return { superuserUrl: postgres.superuserUrl, stop };
}

async function makeTemplate(superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${templateName}`);
    const url = new URL(superuserUrl);
    url.pathname = templateName;
    const source = await createDataSource(url.href).initialize();
    try {
      await source.runMigrations();
    } finally {
      await source.destroy();
    }
  } finally {
    await client.end();
  }
}
