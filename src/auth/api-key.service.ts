import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import { OWNER } from './principal.js';
import type { Principal } from './principal.js';
import { hashSecret, newSecret } from './secret.js';

const KEY_PREFIX = 'gtry_';
/** Longer ones are not hashed: no key of ours is near it. */
const MAX_KEY_LENGTH = 1024;
/** The name of the key that the environment gives; an earlier value of it stops working. */
const ENVIRONMENT_KEY_NAME = 'GANTRY_API_KEY';
/** Any number; every process that makes first keys uses this one. */
const FIRST_KEY_LOCK = 4_702_001;

/** Times are ISO 8601. A key itself is never shown again. */
export interface ApiKeyView {
  readonly id: string;
  readonly principal: string;
  readonly name: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
}

interface KeyRow {
  id: string;
  principal: string;
  name: string;
  hash: Buffer;
  created_at: Date;
  revoked_at: Date | null;
}

/** API keys: made here, stored as sha256, shown once. */
@Injectable()
export class ApiKeyService {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Makes sure somebody can get in. Resolves with a key only when one was made now, the one time it can
   * be shown; undefined when keys exist already or the environment gives the key. Safe to run in
   * several processes at once.
   */
  async ensureFirstKey(): Promise<{ key: string; isNew: boolean } | undefined> {
    return this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [FIRST_KEY_LOCK]);
      await this.reconcileEnvironmentKey(manager);
      if (this.config.apiKey !== undefined) return undefined;
      const active = await manager.query<unknown[]>(
        'SELECT 1 FROM api_keys WHERE revoked_at IS NULL LIMIT 1',
      );
      if (active.length > 0) return undefined;
      const { key } = await insertKey(manager, OWNER, 'first start');
      return { key, isNew: true };
    });
  }

  /** Undefined for unknown, revoked and malformed keys alike. */
  async verify(key: string): Promise<Principal | undefined> {
    if (key.length === 0 || key.length > MAX_KEY_LENGTH) return undefined;
    const hash = hashSecret(key);
    const [row] = await this.dataSource.query<KeyRow[]>(
      'SELECT id, principal, hash FROM api_keys WHERE hash = $1 AND revoked_at IS NULL',
      [hash],
    );
    if (row === undefined || !timingSafeEqual(row.hash, hash)) return undefined;
    return { name: row.principal, keyId: row.id };
  }

  /** The only moment the key can be read. */
  async create(principal: string, name: string): Promise<{ id: string; key: string }> {
    return insertKey(this.dataSource.manager, principal, name);
  }

  async list(): Promise<ApiKeyView[]> {
    const rows = await this.dataSource.query<KeyRow[]>(
      'SELECT id, principal, name, created_at, revoked_at FROM api_keys ORDER BY created_at, id',
    );
    return rows.map(toView);
  }

  /** Takes effect with the next request; tickets of the key's principal are void too. Idempotent. */
  async revoke(id: string): Promise<void> {
    const [row] = await this.dataSource.query<{ id: string }[]>(
      `WITH revoked AS (
         UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING id, principal
       ), voided AS (
         DELETE FROM ws_tickets USING revoked WHERE ws_tickets.principal = revoked.principal
       )
       SELECT id FROM revoked`,
      [id],
    );
    if (row === undefined) {
      throw new DomainError('not_found', `There is no API key ${id}.`, { reason: 'api_key_not_found' });
    }
  }

  private async reconcileEnvironmentKey(manager: EntityManager): Promise<void> {
    const key = this.config.apiKey;
    const hash = key === undefined ? null : hashSecret(key);
    await manager.query(
      `UPDATE api_keys SET revoked_at = now()
       WHERE name = $1 AND revoked_at IS NULL AND hash IS DISTINCT FROM $2::bytea`,
      [ENVIRONMENT_KEY_NAME, hash],
    );
    if (hash === null) return;
    await manager.query(
      `INSERT INTO api_keys (id, principal, name, hash) VALUES ($1, $2, $3, $4)
       ON CONFLICT (hash) DO UPDATE SET revoked_at = NULL, name = EXCLUDED.name`,
      [newId('key'), OWNER, ENVIRONMENT_KEY_NAME, hash],
    );
  }
}

async function insertKey(
  manager: EntityManager,
  principal: string,
  name: string,
): Promise<{ id: string; key: string }> {
  const id = newId('key');
  const key = KEY_PREFIX + newSecret();
  await manager.query('INSERT INTO api_keys (id, principal, name, hash) VALUES ($1, $2, $3, $4)', [
    id,
    principal,
    name,
    hashSecret(key),
  ]);
  return { id, key };
}

function toView(row: KeyRow): ApiKeyView {
  return {
    id: row.id,
    principal: row.principal,
    name: row.name,
    created_at: row.created_at.toISOString(),
    revoked_at: row.revoked_at?.toISOString() ?? null,
  };
}
