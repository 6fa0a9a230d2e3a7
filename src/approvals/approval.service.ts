import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { RunQueue } from '../runs/run-queue.js';
import type { ApprovalDecision } from '../runs/run-request.js';
import type { ApprovalView } from '../runs/run-view.js';
import { requireTool } from '../runs/check-tools.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import type { ApprovalState } from './approval-state.js';
import { decideCall } from './policy.js';
import { readRules } from './read-rules.js';
import { type ApprovalRecord, lockApproval, settleApproval } from './settle-approval.js';

export interface ApprovalFilter {
  readonly status?: ApprovalState | undefined;
  readonly session_id?: string | undefined;
}

/** Pending approvals are rows: any connection of their owner can list and decide them, after any restart. */
@Injectable()
export class ApprovalService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly queue: RunQueue,
    private readonly registry: ToolRegistry,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Oldest first, 500 at most. */
  async list(owner: string, filter: ApprovalFilter): Promise<ApprovalView[]> {
    const rows = await this.dataSource.query<ApprovalRecord[]>(
      `SELECT * FROM approvals WHERE owner = $1 AND ($2::text IS NULL OR state = $2)
       AND ($3::text IS NULL OR session_id = $3) ORDER BY created_at, id LIMIT 500`,
      [owner, filter.status ?? null, filter.session_id ?? null],
    );
    return rows.map(toApprovalView);
  }

  async get(owner: string, id: string): Promise<ApprovalView> {
    const [row] = await this.dataSource.query<ApprovalRecord[]>(
      `SELECT * FROM approvals WHERE id = $1 AND owner = $2`,
      [id, owner],
    );
    if (!row) throw approvalNotFound(id);
    return toApprovalView(row);
  }

  /**
   * The first decision stands; the same `decision_key` with the same decision is the same answer.
   * Rejects with `not_found`, `conflict` (decided, expired) or `invalid_request` (edited arguments).
   */
  async decide(owner: string, id: string, decision: ApprovalDecision): Promise<ApprovalView> {
    await this.log.transaction(async (manager, append) => {
      const approval = await lockApproval(manager, id);
      if (!approval || approval.owner !== owner) throw approvalNotFound(id);
      if (approval.state !== 'pending') return requireSameAnswer(approval, decision);
      if (approval.expires_at !== null && approval.expires_at.getTime() < Date.now())
        throw alreadyDecided(approval, 'expired');
      if (decision.edited_arguments) await this.checkEdit(manager, approval, decision.edited_arguments);
      await settleApproval(manager, append, this.queue, id, {
        state: decision.decision === 'approve' ? 'approved' : 'denied',
        by: owner,
        message: decision.message ?? null,
        ...(decision.edited_arguments ? { editedArguments: decision.edited_arguments } : {}),
        ...(decision.remember_for_session === undefined ? {} : { remember: decision.remember_for_session }),
        ...(decision.decision_key === undefined ? {} : { decisionKey: decision.decision_key }),
      });
      if (decision.remember_for_session) await remember(manager, approval, decision, owner);
    });
    return this.get(owner, id);
  }

  /** What a person changed is checked again, against the tool's schema and the policy. */
  private async checkEdit(
    manager: EntityManager,
    approval: ApprovalRecord,
    edited: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    requireTool(this.registry, approval.tool_name, edited);
    const reach = this.registry.get(approval.tool_name)?.reach ?? 'host';
    const rules = await readRules(manager, approval.session_id);
    const floors = [this.config.runs.agentPermission, approval.run_options.agent_permission ?? 'auto'];
    if (decideCall({ toolName: approval.tool_name, reach, rules, floors }) === 'deny') {
      throw new DomainError('forbidden', `The policy denies ${approval.tool_name}.`, {
        reason: 'denied_by_policy',
      });
    }
  }
}

async function remember(
  manager: EntityManager,
  approval: ApprovalRecord,
  decision: ApprovalDecision,
  by: string,
): Promise<void> {
  await manager.query(
    `INSERT INTO permission_rules (id, session_id, tool, decision, created_by) VALUES ($1, $2, $3, $4, $5)`,
    [
      newId('rule'),
      approval.session_id,
      approval.tool_name,
      decision.decision === 'approve' ? 'allow' : 'deny',
      by,
    ],
  );
}

function requireSameAnswer(approval: ApprovalRecord, decision: ApprovalDecision): void {
  const sameKey = decision.decision_key !== undefined && decision.decision_key === approval.decision_key;
  const sameDecision = approval.state === (decision.decision === 'approve' ? 'approved' : 'denied');
  if (!sameKey || !sameDecision) throw alreadyDecided(approval, approval.state);
}

function alreadyDecided(approval: ApprovalRecord, state: ApprovalState): DomainError {
  return new DomainError(
    'conflict',
    `The approval ${approval.id} is ${state} already; the first decision stands.`,
    {
      param: 'approval_id',
      reason: 'approval_already_decided',
      details: { state, decided_by: approval.decided_by },
    },
  );
}

function approvalNotFound(id: string): DomainError {
  return new DomainError('not_found', `There is no approval ${id}.`, {
    param: 'approval_id',
    reason: 'approval_not_found',
  });
}

function toApprovalView(row: ApprovalRecord): ApprovalView {
  return {
    id: row.id,
    object: 'approval',
    session_id: row.session_id,
    run_id: row.run_id,
    tool_call_id: row.tool_call_id,
    state: row.state,
    tool_name: row.tool_name,
    tool: row.tool,
    arguments: row.arguments,
    arguments_hash: row.arguments_hash,
    edited_arguments: row.edited_arguments ?? null,
    message: row.message,
    remember_for_session: row.remember_for_session,
    decided_by: row.decided_by,
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    decided_at: row.decided_at?.toISOString() ?? null,
  };
}
