import { Client, type QueryResult } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { startWorker, type WorkerProcess } from './run-harness.js';

type StartArguments = Parameters<typeof startWorker> extends [unknown, ...infer Rest] ? Rest : never;

/** Workers on a database of their own; whoever opens them closes them. */
export class RunWorkers {
  readonly #open = new Set<WorkerProcess>();

  private constructor(private readonly database: TestDatabase) {}

  static async open(): Promise<RunWorkers> {
    return new RunWorkers(await createTestDatabase());
  }

  async start(...rest: StartArguments): Promise<WorkerProcess> {
    const worker = await startWorker(this.database, ...rest);
    this.#open.add(worker);
    return worker;
  }

  async stop(worker: WorkerProcess): Promise<void> {
    this.#open.delete(worker);
    await worker.close();
  }

  /** As whoever is none of the workers: also while there is none, to leave what a killed one would have left. */
  async query(sql: string, parameters: readonly unknown[]): Promise<QueryResult> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    try {
      return await client.query(sql, [...parameters]);
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    for (const worker of this.#open) await worker.close();
    this.#open.clear();
    await this.database.drop();
  }
}
