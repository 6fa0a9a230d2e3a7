import type { EntityManager } from 'typeorm';
import type { PolicyRule } from './policy.js';

/** The session's rules that are in force. */
export function readRules(manager: EntityManager, sessionId: string): Promise<PolicyRule[]> {
  return manager.query<PolicyRule[]>(
    `SELECT tool, decision FROM permission_rules WHERE session_id = $1 AND revoked_at IS NULL ORDER BY id`,
    [sessionId],
  );
}
