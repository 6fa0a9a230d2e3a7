import type { EntityManager } from 'typeorm';
import type { Judgement } from '../agent/ports.js';
import type { CallSnapshot } from '../agent/snapshot.js';
import { storableJson, storableText } from '../database/safe-json.js';
import type { ChunkScope } from '../events/chunk-writer.js';
import type { EventPayload, PayloadOf } from '../events/event.js';
import type { ToolCallData } from '../events/tool-call-data.js';
import { newId } from '../ids.js';
import { callingData, spokenData } from '../tools/calling-data.js';
import type { ToolIdentity } from '../approvals/approval-state.js';
import { hashArguments } from '../tools/arguments.js';
import { moveCall, moveCallIfPossible } from './move-call.js';
import type { EndedToolCallState, ToolCallState } from './tool-call-state.js';

/** The identity and asking terms of the tools of one run. */
export interface CallTerms {
  identify(name: string): ToolIdentity;
  isClientTool(name: string): boolean;
  /** Milliseconds until an unanswered approval denies; null: never. */
  approvalTimeoutMs(): number | null;
}

export interface CallResult {
  readonly state: EndedToolCallState;
  readonly content: string;
  readonly data: ToolCallData;
  readonly images?: readonly string[];
  readonly fileIds?: readonly string[];
}

/** SQL and events of a run's tool calls; each method returns the events for the caller's transaction. */
export class CallJournal {
  constructor(private readonly terms: CallTerms) {}

  async propose(
    manager: EntityManager,
    scope: ChunkScope,
    round: number,
    calls: readonly { id: string; name: string; arguments: string }[],
  ): Promise<EventPayload[]> {
    for (const [index, call] of calls.entries()) {
      await insertCall(manager, scope, { ...call, round, index, parentId: null });
    }
    return calls.map((call) => this.calling({ ...call, round, parentId: null }));
  }

  /** A call that the code of `parent` makes; it stands after the round's calls so far. */
  async proposeNested(
    manager: EntityManager,
    scope: ChunkScope,
    parent: CallSnapshot,
    proposed: { readonly id: string; readonly name: string; readonly arguments: string },
  ): Promise<EventPayload[]> {
    const [next] = await manager.query<{ index: number }[]>(
      `SELECT max(index) + 1 AS index FROM tool_calls WHERE run_id = $1 AND round = $2`,
      [scope.runId, parent.round],
    );
    const call = { ...proposed, round: parent.round, index: next?.index ?? 0, parentId: parent.id };
    await insertCall(manager, scope, call);
    return [this.calling(call)];
  }

  async judge(
    manager: EntityManager,
    scope: ChunkScope,
    call: CallSnapshot,
    judgement: Judgement,
  ): Promise<EventPayload[]> {
    switch (judgement.type) {
      case 'approved':
        await moveCall(manager, call.id, 'approved');
        return [];
      case 'ask':
        await moveCall(manager, call.id, 'awaiting_approval');
        return [await this.ask(manager, scope, call)];
      case 'returned':
        await moveCall(manager, call.id, 'returned');
        return [clientCall(call)];
      case 'denied':
      case 'rejected':
      case 'answered': {
        const state =
          judgement.type === 'denied' ? 'denied' : judgement.type === 'rejected' ? 'failed' : 'succeeded';
        return this.end(manager, call, this.spoken(call, state, judgement.content));
      }
      default:
        return judgement satisfies never;
    }
  }

  /** Intent before effect: the call is `running` in the log before its tool starts. */
  async start(manager: EntityManager, call: CallSnapshot): Promise<EventPayload[]> {
    await moveCall(manager, call.id, 'running');
    await manager.query(`UPDATE tool_calls SET attempt = attempt + 1, started_at = now() WHERE id = $1`, [
      call.id,
    ]);
    if (!this.terms.isClientTool(call.name)) return [];
    return [clientCall(call)];
  }

  /** The place of a call that stands in line for its sandbox; 0: it stands there no more. */
  inLine(call: CallSnapshot, position: number): EventPayload {
    return { ...this.calling(call), queue_position: position };
  }

  /** The result and its `complete` event. Nothing when the call had that end already (a commit tried twice). */
  async end(manager: EntityManager, call: CallSnapshot, result: CallResult): Promise<EventPayload[]> {
    const moved = await moveCallIfPossible(manager, call.id, result.state);
    if (!moved) return [];
    await manager.query(
      `UPDATE tool_calls SET result_content = $2, result_data = $3, result_images = $4, file_ids = $5, finished_at = now()
       WHERE id = $1`,
      [
        call.id,
        storableText(result.content),
        storableJson(result.data),
        storableJson(result.images ?? []),
        storableJson(result.fileIds ?? []),
      ],
    );
    return [
      {
        type: 'agentic_tool_call_progress',
        round: call.round,
        tool_call_id: call.id,
        ...parentOf(call),
        tool_name: call.name,
        phase: 'complete',
        status: result.state,
        data: result.data,
      },
    ];
  }

  /** An end without the tool having said anything: denied, refused, lost. */
  spoken(
    call: Pick<CallSnapshot, 'name' | 'arguments'>,
    state: EndedToolCallState,
    content: string,
  ): CallResult {
    const data = spokenData(this.terms.identify(call.name).kind, call.arguments, state, content);
    return { state, content, data };
  }

  /** Whether no answer has come since the calls were read; under the run's lock, so none can slip by. */
  async areUnanswered(manager: EntityManager, calls: readonly CallSnapshot[]): Promise<boolean> {
    const rows = await manager.query<{ id: string; state: ToolCallState }[]>(
      `SELECT id, state FROM tool_calls WHERE id = ANY ($1)`,
      [calls.map(({ id }) => id)],
    );
    const states = new Map(rows.map(({ id, state }) => [id, state]));
    return calls.every(({ id, state }) => states.get(id) === state);
  }

  private calling(call: Omit<NewCall, 'index'>): PayloadOf<'agentic_tool_call_progress'> {
    return {
      type: 'agentic_tool_call_progress',
      round: call.round,
      tool_call_id: call.id,
      ...parentOf(call),
      tool_name: call.name,
      phase: 'calling',
      data: callingData(this.terms.identify(call.name).kind, call.arguments),
    };
  }

  private async ask(manager: EntityManager, scope: ChunkScope, call: CallSnapshot): Promise<EventPayload> {
    const id = newId('appr');
    const tool = this.terms.identify(call.name);
    const timeoutMs = this.terms.approvalTimeoutMs();
    const expiresAt = timeoutMs === null ? null : new Date(Date.now() + timeoutMs);
    const args: unknown = JSON.parse(call.arguments || '{}');
    await manager.query(
      `INSERT INTO approvals
         (id, tool_call_id, run_id, session_id, owner, state, tool_name, tool, arguments, arguments_hash, expires_at)
       SELECT $1, $2, runs.id, runs.session_id, runs.owner, 'pending', $4, $5, $6, $7, $8 FROM runs WHERE runs.id = $3`,
      [
        id,
        call.id,
        scope.runId,
        call.name,
        storableJson(tool),
        storableJson(args),
        hashArguments(args),
        expiresAt,
      ],
    );
    return {
      type: 'agentic_tool_approval_required',
      approval_id: id,
      round: call.round,
      tool_call_id: call.id,
      ...parentOf(call),
      tool_name: call.name,
      tool,
      arguments: args,
      expires_at: expiresAt?.toISOString() ?? null,
    };
  }
}

function clientCall(call: CallSnapshot): PayloadOf<'client_tool_call'> {
  return {
    type: 'client_tool_call',
    round: call.round,
    tool_call_id: call.id,
    tool_name: call.name,
    arguments: parsedOrText(call.arguments || '{}'),
  };
}

/** A call that is given back may have arguments that are no JSON. */
function parsedOrText(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

type NewCall = Pick<CallSnapshot, 'id' | 'parentId' | 'round' | 'index' | 'name' | 'arguments'>;

async function insertCall(manager: EntityManager, scope: ChunkScope, call: NewCall): Promise<void> {
  await manager.query(
    `INSERT INTO tool_calls
       (id, run_id, session_id, parent_id, round, index, name, arguments, arguments_hash, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'proposed')`,
    [
      call.id,
      scope.runId,
      scope.sessionId,
      call.parentId,
      call.round,
      call.index,
      storableText(call.name),
      storableText(call.arguments),
      hashOf(call.arguments),
    ],
  );
}

function parentOf({ parentId }: Pick<CallSnapshot, 'parentId'>): { parent_tool_call_id?: string } {
  return parentId === null ? {} : { parent_tool_call_id: parentId };
}

function hashOf(json: string): string {
  try {
    return hashArguments(JSON.parse(json));
  } catch {
    return hashArguments(json);
  }
}
