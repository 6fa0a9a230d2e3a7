import type { EntityManager } from 'typeorm';
import type { Judgement } from '../agent/ports.js';
import type { CallSnapshot } from '../agent/snapshot.js';
import { withdrawApproval } from '../approvals/withdraw-approval.js';
import { retryTransient } from '../database/transient-error.js';
import type { ChunkScope, ChunkWriter } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import type { EventPayload } from '../events/event.js';
import { newId } from '../ids.js';
import type { CallJournal, CallResult } from './call-journal.js';
import { type CallRecord, toCallSnapshot } from './call-record.js';
import { commitFenced, DATABASE_PATIENCE_MS } from './commit-fenced.js';

/** What a nested call is before it runs, each step one fenced transaction with its events. */
export class NestedCallJournal {
  constructor(
    private readonly log: EventLog,
    private readonly chunks: ChunkWriter,
    private readonly calls: CallJournal,
    private readonly scope: ChunkScope,
  ) {}

  /** Counts it among the run's calls; undefined when the run may make no more. */
  async propose(
    parent: CallSnapshot,
    call: { readonly name: string; readonly arguments: string },
    maxToolCalls: number,
  ): Promise<CallSnapshot | undefined> {
    const id = newId('call');
    // What the code printed before it comes before it in the log.
    await this.chunks.drain(this.scope);
    return commitFenced(this.log, this.scope, async (manager, append) => {
      const [, counted] = await manager.query<[unknown, number]>(
        `UPDATE runs SET tool_call_count = tool_call_count + 1 WHERE id = $1 AND tool_call_count < $2`,
        [this.scope.runId, maxToolCalls],
      );
      if (counted === 0) return undefined;
      await append(await this.calls.proposeNested(manager, this.scope, parent, { ...call, id }));
      return readCall(manager, id);
    });
  }

  judge(call: CallSnapshot, judgement: Judgement): Promise<void> {
    return this.commit((manager) => this.calls.judge(manager, this.scope, call, judgement));
  }

  /** The call as somebody's decision, or the end of the wait for it, left it. Aborting withdraws the question. */
  async decision(call: CallSnapshot, signal: AbortSignal): Promise<CallSnapshot> {
    const feed = this.log.bus.attach(this.scope.sessionId);
    try {
      for (;;) {
        const current = await this.read(call.id);
        if (current.state !== 'awaiting_approval') return current;
        if (signal.aborted) {
          await this.cancel(call);
          return await this.read(call.id);
        }
        await feed.next(signal);
      }
    } finally {
      this.log.bus.detach(this.scope.sessionId, feed);
    }
  }

  /** Ends a call that has not begun; one that was decided otherwise stays as it was decided. */
  cancel(call: CallSnapshot): Promise<void> {
    return this.commit(async (manager) => [
      ...(await withdrawApproval(manager, call.id)),
      ...(await this.calls.end(manager, call, this.cancelled(call))),
    ]);
  }

  private cancelled(call: CallSnapshot): CallResult {
    return this.calls.spoken(call, 'cancelled', '[cancelled]');
  }

  private read(id: string): Promise<CallSnapshot> {
    return retryTransient(
      () => this.log.transaction((manager) => readCall(manager, id)),
      DATABASE_PATIENCE_MS,
    );
  }

  private commit(work: (manager: EntityManager) => Promise<readonly EventPayload[]>): Promise<void> {
    return commitFenced(this.log, this.scope, async (manager, append) => {
      await append(await work(manager));
    });
  }
}

async function readCall(manager: EntityManager, id: string): Promise<CallSnapshot> {
  const [row] = await manager.query<CallRecord[]>(`SELECT * FROM tool_calls WHERE id = $1`, [id]);
  if (!row) throw new Error(`The call ${id} is gone.`);
  return toCallSnapshot(row);
}
