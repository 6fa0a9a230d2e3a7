import type { DataSource, EntityManager } from 'typeorm';
import type {
  CommittedTurn,
  Compaction,
  InferenceNotice,
  Judgement,
  RunFailure,
  RunJournal,
} from '../agent/ports.js';
import type { RecoveryPlan } from '../agent/recovery-plan.js';
import type { CallSnapshot, RunSnapshot } from '../agent/snapshot.js';
import { storableJson, storableText } from '../database/safe-json.js';
import { retryTransient } from '../database/transient-error.js';
import type { Usage } from '../engine/engine.js';
import type { InterruptionCause } from '../engine/engine-error.js';
import type { ChunkScope, ChunkWriter } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import type { EventPayload, PayloadOf, StopReason } from '../events/event.js';
import type { WorkClock } from '../work-clock.js';
import type { CallJournal } from './call-journal.js';
import { commitFenced, DATABASE_PATIENCE_MS, type FencedWork } from './commit-fenced.js';
import { endRun, type RunEnding } from './end-run.js';
import { insertMessage } from './insert-message.js';
import { moveRun } from './move-run.js';
import { loadSnapshot } from './run-snapshot.js';
import { saySteering } from './say-steering.js';
import { writeContext } from './session-context.js';

/** What the worker lends to the journal of a run it has claimed. */
export interface ClaimTerms {
  readonly clock: WorkClock;
  /** The one that the run is for. */
  readonly model: string;
  /** What a run that ended or waits leaves to do, after its events: let the session's next one in. */
  letNextIn(manager: EntityManager): Promise<void>;
}

/** The agent loop's memory on Postgres: each method one fenced transaction with its events. */
export class PostgresRunJournal implements RunJournal {
  private readonly claimedAt: number;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly chunks: ChunkWriter,
    private readonly calls: CallJournal,
    private readonly scope: ChunkScope,
    private readonly claim: ClaimTerms,
  ) {
    this.claimedAt = claim.clock.now();
  }

  load(): Promise<RunSnapshot> {
    return retryTransient(
      () => loadSnapshot(this.dataSource.manager, this.scope.runId, this.scope.generation),
      DATABASE_PATIENCE_MS,
    );
  }

  write(payload: PayloadOf<'chunk' | 'raw' | 'expert_chunk'>): Promise<void> {
    return this.chunks.write(this.scope, payload);
  }

  drain(): Promise<void> {
    return this.chunks.drain(this.scope);
  }

  beginAttempt(snapshot: RunSnapshot, plan: RecoveryPlan, cause: InterruptionCause): Promise<void> {
    const cancelled = 'cancelledCallIds' in plan ? plan.cancelledCallIds : [];
    return this.commit(async (manager, append) => {
      await manager.query(`UPDATE runs SET attempt = attempt + 1 WHERE id = $1`, [this.scope.runId]);
      await append(
        cancelled.map((id) => ({ type: 'tool_call_cancelled', round: snapshot.round, tool_call_id: id })),
      );
      // Complete calls are kept as they were streamed: nothing is taken back.
      if (plan.type === 'synthesize_tool_use') return;
      await append([
        {
          type: 'stream_reset',
          round: snapshot.round,
          attempt: snapshot.attempt + 1,
          to_offset: 'text' in plan ? plan.text.length : 0,
          to_reasoning_offset: 'reasoning' in plan ? plan.reasoning.length : 0,
          cause,
        },
      ]);
    });
  }

  queued(position: number): Promise<void> {
    return this.commit((_manager, append) =>
      append([{ type: 'run_queued', position }]).then(() => undefined),
    );
  }

  compact({ mark, usage, event }: Compaction): Promise<void> {
    return this.commit(async (manager, append) => {
      await this.setUsage(manager, usage);
      await writeContext(manager, this.scope, mark);
      await append([event.summary === null ? event : { ...event, summary: storableText(event.summary) }]);
    });
  }

  async tell(payload: InferenceNotice): Promise<void> {
    await this.drain();
    await this.commit((_manager, append) => append([payload]).then(() => undefined));
  }

  spend(usage: Usage): Promise<void> {
    return this.commit(async (manager) => {
      await this.setUsage(manager, usage);
    });
  }

  commitTurn(snapshot: RunSnapshot, turn: CommittedTurn): Promise<void> {
    return this.commit(async (manager, append) => {
      await manager.query(
        `UPDATE runs SET usage = $2, finish_reason = $3, tool_call_count = tool_call_count + $4, model = $5
         WHERE id = $1`,
        [
          this.scope.runId,
          storableJson(turn.usage),
          turn.finishReason,
          turn.calls.length,
          turn.model ?? this.claim.model,
        ],
      );
      await insertMessage(manager, {
        sessionId: this.scope.sessionId,
        runId: this.scope.runId,
        round: snapshot.round,
        role: 'assistant',
        content: turn.text,
        reasoning: turn.reasoning === '' ? null : turn.reasoning,
        toolCalls: turn.calls,
      });
      await append([finishChunk(snapshot, turn.finishReason)]);
      await append(await this.calls.propose(manager, this.scope, snapshot.round, turn.calls));
    });
  }

  judge(call: CallSnapshot, judgement: Judgement): Promise<void> {
    return this.commit(async (manager, append) => {
      await append(await this.calls.judge(manager, this.scope, call, judgement));
    });
  }

  advanceRound(snapshot: RunSnapshot): Promise<void> {
    return this.commit(async (manager, append) => {
      const [, advanced] = await manager.query<[unknown, number]>(
        `UPDATE runs SET round = round + 1, attempt = 0, finish_reason = NULL WHERE id = $1 AND round = $2`,
        [this.scope.runId, snapshot.round],
      );
      if (advanced === 0) return;
      await this.insertResults(manager, snapshot.calls);
      await append(await saySteering(manager, this.scope, snapshot.round));
    });
  }

  wait(snapshot: RunSnapshot, kind: 'approval' | 'client'): Promise<boolean> {
    return this.commit(async (manager, append) => {
      if (await this.isCancelled(manager)) return false;
      if (!(await this.calls.areUnanswered(manager, snapshot.calls))) return false;
      await this.addActiveTime(manager);
      await moveRun(manager, this.scope.runId, kind === 'approval' ? 'wait_for_approval' : 'wait_for_client');
      await append([{ type: 'run_waiting', waiting_for: kind === 'approval' ? 'approval' : 'tool_result' }]);
      await this.claim.letNextIn(manager);
      return true;
    });
  }

  finish(stopReason: StopReason): Promise<boolean> {
    return this.end({ type: 'complete', stopReason }, async (manager) => !(await this.isSteered(manager)));
  }

  async returnCalls(snapshot: RunSnapshot): Promise<void> {
    const ours = snapshot.calls.filter((call) => call.state !== 'returned');
    await this.end({ type: 'complete', stopReason: 'tool_calls' }, async (manager) => {
      await this.insertResults(manager, ours);
      return true;
    });
  }

  async cancel(): Promise<void> {
    await this.end({ type: 'cancel' });
  }

  /** A run that was to be cancelled is cancelled, whatever went wrong on the way: its model may have been taken away. */
  async fail(failure: RunFailure): Promise<void> {
    await this.end({ type: 'fail', failure });
  }

  private async end(
    ending: RunEnding,
    mayEnd: (manager: EntityManager) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<boolean> {
    const hasEnded = await this.commit(async (manager, append) => {
      if (!(await mayEnd(manager))) return false;
      await this.addActiveTime(manager);
      const isCancelled = ending.type === 'fail' && (await this.isCancelled(manager));
      await append(await endRun(manager, this.scope, isCancelled ? { type: 'cancel' } : ending));
      await this.claim.letNextIn(manager);
      return true;
    });
    if (hasEnded) this.chunks.discard(this.scope.runId);
    return hasEnded;
  }

  /** A cancel finds the run either under way or waiting: whoever has its row first leaves the rest to the other. */
  private async isCancelled(manager: EntityManager): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      `SELECT 1 FROM runs WHERE id = $1 AND cancel_requested_by IS NOT NULL`,
      [this.scope.runId],
    );
    return rows.length > 0;
  }

  /** A message that came after the snapshot was read is still this run's. */
  private async isSteered(manager: EntityManager): Promise<boolean> {
    const rows = await manager.query<unknown[]>(`SELECT 1 FROM steering_messages WHERE run_id = $1 LIMIT 1`, [
      this.scope.runId,
    ]);
    return rows.length > 0;
  }

  private async insertResults(manager: EntityManager, calls: readonly CallSnapshot[]): Promise<void> {
    for (const call of calls) {
      await insertMessage(manager, {
        sessionId: this.scope.sessionId,
        runId: this.scope.runId,
        round: call.round,
        role: 'tool',
        content: call.resultContent ?? '',
        toolCallId: call.id,
      });
    }
  }

  private async setUsage(manager: EntityManager, usage: Usage): Promise<void> {
    await manager.query(`UPDATE runs SET usage = $2 WHERE id = $1`, [this.scope.runId, storableJson(usage)]);
  }

  private async addActiveTime(manager: EntityManager): Promise<void> {
    const activeMs = Math.round(this.claim.clock.now() - this.claimedAt);
    await manager.query(`UPDATE runs SET active_ms = active_ms + $2 WHERE id = $1`, [
      this.scope.runId,
      activeMs,
    ]);
  }

  private commit<T>(work: FencedWork<T>): Promise<T> {
    return commitFenced(this.log, this.scope, work);
  }
}

function finishChunk(snapshot: RunSnapshot, finishReason: string): EventPayload {
  return {
    type: 'chunk',
    round: snapshot.round,
    attempt: snapshot.attempt,
    offset: 0,
    choices: [{ index: 0, delta: {}, finish_reason: finishReason }],
  };
}
