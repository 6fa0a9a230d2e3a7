import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import { CallJournal } from './call-journal.js';
import { type CallRecord, toCallSnapshot } from './call-record.js';
import { moveRun } from './move-run.js';
import { RunQueue } from './run-queue.js';
import type { RunOptions, ToolResultSubmission } from './run-request.js';
import { identifyTool, isClientTool } from './run-tools.js';
import type { RunState } from './run-state.js';

interface ClientCall extends CallRecord {
  run_id: string;
  session_id: string;
  run_state: RunState;
  options: RunOptions;
}

/** Takes what clients answer to calls of their own functions. The first answer stands. */
@Injectable()
export class ClientToolResults {
  constructor(
    private readonly log: EventLog,
    private readonly queue: RunQueue,
    private readonly registry: ToolRegistry,
  ) {}

  /** Rejects with `not_found` for a call that is not the caller's, `conflict` for one that is not waiting. */
  async submit(owner: string, submission: ToolResultSubmission): Promise<void> {
    await this.log.transaction(async (manager, append) => {
      const call = await lockCall(manager, owner, submission.tool_call_id);
      if (call.state !== 'running' || !isClientTool(call.options, call.name)) {
        throw new DomainError('conflict', `The call ${call.id} is ${call.state} and waits for no result.`, {
          param: 'tool_call_id',
          reason: 'tool_call_not_waiting',
        });
      }
      const calls = new CallJournal({
        identify: (name) => identifyTool(this.registry, call.options, name),
        isClientTool: (name) => isClientTool(call.options, name),
        approvalTimeoutMs: () => null,
      });
      const state = submission.is_error ? 'failed' : 'succeeded';
      const ended = await calls.end(
        manager,
        toCallSnapshot(call),
        calls.spoken(call, state, submission.content),
      );
      await append(call.session_id, call.run_id, ended);
      if (call.run_state !== 'waiting_client') return;
      await moveRun(manager, call.run_id, 'requeue');
      await this.queue.enqueue(manager, call.run_id);
    });
  }
}

/** Run first, then call: the order in which every transaction locks. */
async function lockCall(manager: EntityManager, owner: string, callId: string): Promise<ClientCall> {
  await manager.query(
    `SELECT 1 FROM runs WHERE id = (SELECT run_id FROM tool_calls WHERE id = $1) AND owner = $2 FOR UPDATE`,
    [callId, owner],
  );
  const [call] = await manager.query<ClientCall[]>(
    `SELECT tool_calls.*, runs.state AS run_state, runs.options FROM tool_calls JOIN runs ON runs.id = tool_calls.run_id
     WHERE tool_calls.id = $1 AND runs.owner = $2`,
    [callId, owner],
  );
  if (call) return call;
  throw new DomainError('not_found', `There is no tool call ${callId}.`, {
    param: 'tool_call_id',
    reason: 'tool_call_not_found',
  });
}
