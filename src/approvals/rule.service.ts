import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DomainError } from '../errors.js';
import { SessionService } from '../sessions/session.service.js';

/** A remembered decision as clients see it. Times are ISO 8601. */
export interface RuleView {
  readonly id: string;
  readonly object: 'permission_rule';
  readonly session_id: string;
  readonly tool: string;
  readonly decision: 'allow' | 'ask' | 'deny';
  readonly created_by: string;
  readonly created_at: string;
}

interface RuleRecord {
  id: string;
  session_id: string;
  tool: string;
  decision: RuleView['decision'];
  created_by: string;
  created_at: Date;
}

/** The rules that "remember for this session" left: listed and revocable. */
@Injectable()
export class RuleService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: SessionService,
  ) {}

  async list(owner: string, sessionId: string): Promise<RuleView[]> {
    await this.sessions.requireOwned(owner, sessionId);
    const rows = await this.dataSource.query<RuleRecord[]>(
      `SELECT * FROM permission_rules WHERE session_id = $1 AND revoked_at IS NULL ORDER BY id`,
      [sessionId],
    );
    return rows.map(({ id, session_id, tool, decision, created_by, created_at }) => ({
      id,
      object: 'permission_rule',
      session_id,
      tool,
      decision,
      created_by,
      created_at: created_at.toISOString(),
    }));
  }

  async revoke(owner: string, sessionId: string, ruleId: string): Promise<void> {
    await this.sessions.requireOwned(owner, sessionId);
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `UPDATE permission_rules SET revoked_by = $3, revoked_at = now()
       WHERE id = $1 AND session_id = $2 AND revoked_at IS NULL`,
      [ruleId, sessionId, owner],
    );
    if (count === 0)
      throw new DomainError('not_found', `There is no rule ${ruleId}.`, { reason: 'rule_not_found' });
  }
}
