import type { DataSource, EntityManager } from 'typeorm';
import { MAX_GENERATION } from '../kernel/token-chain.js';
import type { KeptSandbox, KeptSandboxes, SandboxHold } from './kept-sandboxes.js';

interface Row {
  container_id: string;
  session_id: string;
  profile: string;
  egress: string[];
  secret: Buffer;
  generation: number;
  owner_id: string;
}

/** How long the lock of a process that was just killed may still be held. */
const OWNER_PATIENCE_MS = 1000;
const LOCK_TIMED_OUT = '55P03';

/** Whether nobody holds the owner's lease, see runs/worker-lease.ts; its lock is then held until the transaction ends. */
async function isDead(manager: EntityManager, ownerId: string, patienceMs: number): Promise<boolean> {
  await manager.query(`SET LOCAL lock_timeout = ${patienceMs}`);
  try {
    await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [ownerId]);
    return true;
  } catch (error) {
    const { code } = (error as { driverError?: { code?: string } }).driverError ?? {};
    if (code === LOCK_TIMED_OUT) return false;
    throw error;
  }
}

/** The process that asks. */
interface SandboxOwner {
  /** A lease that it holds for as long as it lives. */
  readonly id: string;
  /** Of its data directory. */
  readonly instanceId: string;
  /** Of the kernel that it speaks to. */
  readonly kernelVersion: string;
}

/** On the table `kept_sandboxes`. */
export class PostgresKeptSandboxes implements KeptSandboxes {
  constructor(
    private readonly dataSource: DataSource,
    private readonly owner: SandboxOwner,
  ) {}

  async add({ containerId, sessionId, profile, egress, secret, generation }: KeptSandbox): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO kept_sandboxes
         (container_id, session_id, instance_id, kernel_version, profile, egress, secret, generation, owner_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        containerId,
        sessionId,
        this.owner.instanceId,
        this.owner.kernelVersion,
        profile,
        JSON.stringify(egress),
        Buffer.from(secret),
        generation,
        this.owner.id,
      ],
    );
  }

  async takeOver(sessionId: string): Promise<KeptSandbox | undefined> {
    const rows = await this.dataSource.query<Row[]>(
      `SELECT * FROM kept_sandboxes WHERE session_id = $1 AND instance_id = $2 AND owner_id <> $3
       AND generation < $4 AND kernel_version = $5 ORDER BY created_at DESC`,
      [sessionId, this.owner.instanceId, this.owner.id, MAX_GENERATION, this.owner.kernelVersion],
    );
    for (const row of rows) {
      const taken = await this.#take(row);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  async drop({ containerId, generation }: SandboxHold): Promise<boolean> {
    await this.dataSource.query(
      `DELETE FROM kept_sandboxes WHERE container_id = $1 AND generation = $2 AND owner_id = $3`,
      [containerId, generation, this.owner.id],
    );
    const others = await this.dataSource.query<unknown[]>(
      `SELECT 1 FROM kept_sandboxes WHERE container_id = $1`,
      [containerId],
    );
    return others.length === 0;
  }

  async orphanedSessions(): Promise<readonly string[]> {
    const rows = await this.dataSource.query<{ session_id: string; owner_id: string }[]>(
      `SELECT DISTINCT session_id, owner_id FROM kept_sandboxes AS kept
       WHERE instance_id = $1 AND owner_id <> $2 AND NOT EXISTS (
         SELECT 1 FROM runs WHERE runs.session_id = kept.session_id AND state IN ('queued', 'running'))`,
      [this.owner.instanceId, this.owner.id],
    );
    const dead = await this.#deadAmong(rows.map((row) => row.owner_id));
    return [...new Set(rows.filter((row) => dead.has(row.owner_id)).map((row) => row.session_id))];
  }

  async containerIds(): Promise<ReadonlySet<string>> {
    const rows = await this.dataSource.query<{ container_id: string }[]>(
      `SELECT container_id FROM kept_sandboxes WHERE instance_id = $1`,
      [this.owner.instanceId],
    );
    return new Set(rows.map((row) => row.container_id));
  }

  async forgetAllBut(containerIds: ReadonlySet<string>): Promise<void> {
    const rows = await this.dataSource.query<{ owner_id: string }[]>(
      `SELECT DISTINCT owner_id FROM kept_sandboxes WHERE instance_id = $1 AND owner_id <> $2`,
      [this.owner.instanceId, this.owner.id],
    );
    const dead = await this.#deadAmong(rows.map((row) => row.owner_id));
    await this.dataSource.query(
      `DELETE FROM kept_sandboxes
       WHERE instance_id = $1 AND owner_id = ANY ($2::text[]) AND NOT (container_id = ANY ($3::text[]))`,
      [this.owner.instanceId, [...dead], [...containerIds]],
    );
  }

  /** The generation is the fence: of two that saw the same row one finds it changed. */
  #take(row: Row): Promise<KeptSandbox | undefined> {
    return this.dataSource.transaction(async (manager) => {
      if (!(await isDead(manager, row.owner_id, OWNER_PATIENCE_MS))) return undefined;
      const generation = row.generation + 1;
      const [, taken] = await manager.query<[unknown, number]>(
        `UPDATE kept_sandboxes SET generation = $3, owner_id = $4 WHERE container_id = $1 AND generation = $2`,
        [row.container_id, row.generation, generation, this.owner.id],
      );
      if (taken === 0) return undefined;
      const { container_id: containerId, session_id: sessionId, profile, egress, secret } = row;
      return { containerId, sessionId, profile, egress, secret, generation };
    });
  }

  async #deadAmong(ownerIds: readonly string[]): Promise<ReadonlySet<string>> {
    const dead = new Set<string>();
    for (const ownerId of new Set(ownerIds)) {
      if (await this.dataSource.transaction((manager) => isDead(manager, ownerId, OWNER_PATIENCE_MS)))
        dead.add(ownerId);
    }
    return dead;
  }
}
