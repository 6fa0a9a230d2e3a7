import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StopReason } from '../events/event.js';
import type { Usage } from '../engine/engine.js';
import type { RunOptions } from './run-request.js';
import type { RunKind, RunState } from './run-state.js';

@Entity('runs')
export class Run {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ name: 'session_id', type: 'text' })
  sessionId!: string;

  @Column({ type: 'text' })
  owner!: string;

  @Column({ type: 'text' })
  kind!: RunKind;

  @Column({ type: 'text' })
  state!: RunState;

  @Column({ name: 'stop_reason', type: 'text', nullable: true })
  stopReason!: StopReason | null;

  /** Bumped by every claim; a write that carries an older one changes nothing. */
  @Column({ type: 'integer', default: 0 })
  generation!: number;

  @Column({ name: 'worker_id', type: 'text', nullable: true })
  workerId!: string | null;

  /** The model that works it, known from its first claim. */
  @Column({ type: 'text', nullable: true })
  model!: string | null;

  @Column({ type: 'jsonb' })
  options!: RunOptions;

  /** The user's text, which joins the history when the run begins: queued runs must not see each other's. */
  @Column({ type: 'text', nullable: true })
  input!: string | null;

  /** What that text shows. */
  @Column({ name: 'input_file_ids', type: 'jsonb', nullable: true })
  inputFileIds!: string[] | null;

  @Column({ name: 'message_id', type: 'text', nullable: true })
  messageId!: string | null;

  @Column({ name: 'cancel_id', type: 'text', nullable: true })
  cancelId!: string | null;

  @Column({ name: 'idempotency_key', type: 'text', nullable: true })
  idempotencyKey!: string | null;

  @Column({ name: 'request_hash', type: 'text' })
  requestHash!: string;

  @Column({ type: 'integer', default: 0 })
  round!: number;

  /** Of the current round inference. */
  @Column({ type: 'integer', default: 0 })
  attempt!: number;

  @Column({ name: 'tool_call_count', type: 'integer', default: 0 })
  toolCallCount!: number;

  /** Time worked, without waiting. */
  @Column({ name: 'active_ms', type: 'bigint', default: 0 })
  activeMs!: string;

  /** How the last committed turn of the model ended: `stop`, `tool_calls` or `length`. */
  @Column({ name: 'finish_reason', type: 'text', nullable: true })
  finishReason!: string | null;

  @Column({ type: 'jsonb', nullable: true })
  usage!: Usage | null;

  @Column({ type: 'jsonb', nullable: true })
  error!: { code: string; message: string } | null;

  @Column({ name: 'cancel_requested_by', type: 'text', nullable: true })
  cancelRequestedBy!: string | null;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt!: Date | null;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt!: Date | null;
}
