import type { EntityManager } from 'typeorm';
import { storableJson, storableText } from '../database/safe-json.js';
import type { AppendEvents } from '../events/event-log.js';
import { spokenData } from '../tools/calling-data.js';
import { hashArguments } from '../tools/arguments.js';
import { moveCall } from '../runs/move-call.js';
import { moveRun } from '../runs/move-run.js';
import type { RunOptions } from '../runs/run-request.js';
import type { RunQueue } from '../runs/run-queue.js';
import type { RunState } from '../runs/run-state.js';
import type { ApprovalState, ToolIdentity } from './approval-state.js';

/** What becomes of a pending approval. */
export interface Settlement {
  readonly state: 'approved' | 'denied' | 'expired';
  /** Who decided; null: time. */
  readonly by: string | null;
  /** Given to the model when the call is not to run. */
  readonly message: string | null;
  readonly editedArguments?: Readonly<Record<string, unknown>>;
  readonly remember?: boolean;
  readonly decisionKey?: string;
}

export interface ApprovalRecord {
  id: string;
  tool_call_id: string;
  run_id: string;
  session_id: string;
  owner: string;
  state: ApprovalState;
  tool_name: string;
  tool: ToolIdentity;
  arguments: unknown;
  arguments_hash: string;
  edited_arguments: unknown;
  message: string | null;
  decision_key: string | null;
  remember_for_session: boolean;
  decided_by: string | null;
  expires_at: Date | null;
  created_at: Date;
  decided_at: Date | null;
  run_state: RunState;
  run_options: RunOptions;
  round: number;
  parent_id: string | null;
}

const DENIED = 'The user denied this tool call.';
const WIRE_DECISION = { approved: 'approve', denied: 'deny', expired: 'expired' } as const;

/** Locks the run, then the approval: the order in which every transaction locks. Undefined: no such approval. */
export async function lockApproval(manager: EntityManager, id: string): Promise<ApprovalRecord | undefined> {
  await manager.query(
    `SELECT 1 FROM runs WHERE id = (SELECT run_id FROM approvals WHERE id = $1) FOR UPDATE`,
    [id],
  );
  const [row] = await manager.query<ApprovalRecord[]>(
    `SELECT approvals.*, runs.state AS run_state, runs.options AS run_options, tool_calls.round,
       tool_calls.parent_id FROM approvals
     JOIN runs ON runs.id = approvals.run_id JOIN tool_calls ON tool_calls.id = approvals.tool_call_id
     WHERE approvals.id = $1 FOR UPDATE OF approvals`,
    [id],
  );
  return row;
}

/**
 * Decision, call, event, remembered rule and the run's return to the queue, in one transaction.
 * Does nothing when the approval is no longer pending.
 */
export async function settleApproval(
  manager: EntityManager,
  append: AppendEvents,
  queue: RunQueue,
  id: string,
  settlement: Settlement,
): Promise<void> {
  const approval = await lockApproval(manager, id);
  if (!approval || approval.state !== 'pending') return;
  await writeDecision(manager, approval, settlement);
  await append(approval.session_id, approval.run_id, [
    {
      type: 'agentic_tool_approval_resolved',
      approval_id: id,
      tool_call_id: approval.tool_call_id,
      decision: WIRE_DECISION[settlement.state],
      decided_by: settlement.by,
      message: settlement.message,
    },
  ]);
  if (settlement.state === 'approved') await approveCall(manager, approval, settlement);
  else await denyCall(manager, append, approval, settlement.message ?? DENIED);
  if (approval.run_state === 'waiting_approval' && (await mayGoOn(manager, approval))) {
    await moveRun(manager, approval.run_id, 'requeue');
    await queue.enqueue(manager, approval.run_id);
  }
}

async function writeDecision(
  manager: EntityManager,
  approval: ApprovalRecord,
  settlement: Settlement,
): Promise<void> {
  await manager.query(
    `UPDATE approvals SET state = $2, decided_by = $3, decided_at = now(), message = $4, edited_arguments = $5,
       remember_for_session = $6, decision_key = $7 WHERE id = $1`,
    [
      approval.id,
      settlement.state,
      settlement.by,
      settlement.message === null ? null : storableText(settlement.message),
      settlement.editedArguments ? storableJson(settlement.editedArguments) : null,
      settlement.remember ?? false,
      settlement.decisionKey ?? null,
    ],
  );
}

/** Edited arguments change the executed call and its hash together. */
async function approveCall(
  manager: EntityManager,
  approval: ApprovalRecord,
  settlement: Settlement,
): Promise<void> {
  const edited = settlement.editedArguments;
  await moveCall(manager, approval.tool_call_id, 'approved');
  await manager.query(
    `UPDATE tool_calls SET arguments = COALESCE($2, arguments), arguments_hash = $3
     WHERE id = $1`,
    [
      approval.tool_call_id,
      edited ? storableJson(edited) : null,
      edited ? hashArguments(edited) : approval.arguments_hash,
    ],
  );
}

async function denyCall(
  manager: EntityManager,
  append: AppendEvents,
  approval: ApprovalRecord,
  content: string,
): Promise<void> {
  const data = spokenData(approval.tool.kind, JSON.stringify(approval.arguments), 'denied', content);
  await moveCall(manager, approval.tool_call_id, 'denied');
  await manager.query(
    `UPDATE tool_calls SET result_content = $2, result_data = $3, finished_at = now() WHERE id = $1`,
    [approval.tool_call_id, storableText(content), storableJson(data)],
  );
  await append(approval.session_id, approval.run_id, [
    {
      type: 'agentic_tool_call_progress',
      round: approval.round,
      tool_call_id: approval.tool_call_id,
      ...(approval.parent_id === null ? {} : { parent_tool_call_id: approval.parent_id }),
      tool_name: approval.tool_name,
      phase: 'complete',
      status: 'denied',
      data,
    },
  ]);
}

/** In batch mode nothing runs until every ask of the round is decided. */
async function mayGoOn(manager: EntityManager, approval: ApprovalRecord): Promise<boolean> {
  if (approval.run_options.tool_execution_mode !== 'parallel_batch_approval') return true;
  const open = await manager.query<unknown[]>(
    `SELECT 1 FROM tool_calls WHERE run_id = $1 AND state = 'awaiting_approval' LIMIT 1`,
    [approval.run_id],
  );
  return open.length === 0;
}
