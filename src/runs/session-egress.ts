import type { EntityManager } from 'typeorm';
import { allowedSessionHosts } from '../sandbox/egress/session-hosts.js';

/** The hosts that calls of the session may reach, as far as the server (still) allows them. */
export async function readSessionEgress(
  manager: EntityManager,
  sessionId: string,
  ceiling: readonly string[],
): Promise<readonly string[]> {
  const [row] = await manager.query<{ egress: string[] }[]>('SELECT egress FROM sessions WHERE id = $1', [
    sessionId,
  ]);
  return allowedSessionHosts(row?.egress ?? [], ceiling);
}
