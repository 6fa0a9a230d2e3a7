import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ToolCallData } from '../events/tool-call-data.js';
import type { ToolCallState } from './tool-call-state.js';

@Entity('tool_calls')
export class ToolCall {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ name: 'run_id', type: 'text' })
  runId!: string;

  @Column({ name: 'session_id', type: 'text' })
  sessionId!: string;

  /** The call whose code made this one; null: the model or a person did. */
  @Column({ name: 'parent_id', type: 'text', nullable: true })
  parentId!: string | null;

  @Column({ type: 'integer' })
  round!: number;

  @Column({ type: 'integer' })
  index!: number;

  @Column({ type: 'text' })
  name!: string;

  /** JSON text as executed: the edited one after an edit. */
  @Column({ type: 'text' })
  arguments!: string;

  @Column({ name: 'arguments_hash', type: 'text' })
  argumentsHash!: string;

  @Column({ type: 'text' })
  state!: ToolCallState;

  @Column({ type: 'integer', default: 0 })
  attempt!: number;

  @Column({ name: 'result_content', type: 'text', nullable: true })
  resultContent!: string | null;

  @Column({ name: 'result_data', type: 'jsonb', nullable: true })
  resultData!: ToolCallData | null;

  @Column({ name: 'result_images', type: 'jsonb', nullable: true })
  resultImages!: string[] | null;

  @Column({ name: 'file_ids', type: 'jsonb', default: '[]' })
  fileIds!: string[];

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt!: Date | null;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt!: Date | null;
}
