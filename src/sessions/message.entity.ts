import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ToolCallRequest } from '../engine/engine.js';

@Entity('messages')
export class Message {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ name: 'session_id', type: 'text' })
  sessionId!: string;

  @Column({ name: 'run_id', type: 'text', nullable: true })
  runId!: string | null;

  /** Dense per session, from 1. */
  @Column({ type: 'integer' })
  position!: number;

  @Column({ type: 'integer', nullable: true })
  round!: number | null;

  @Column({ type: 'text' })
  role!: 'user' | 'assistant' | 'tool';

  @Column({ type: 'text' })
  content!: string;

  @Column({ type: 'text', nullable: true })
  reasoning!: string | null;

  @Column({ name: 'tool_calls', type: 'jsonb', nullable: true })
  toolCalls!: ToolCallRequest[] | null;

  @Column({ name: 'tool_call_id', type: 'text', nullable: true })
  toolCallId!: string | null;

  /** Only a user's: what it shows to the model. */
  @Column({ name: 'file_ids', type: 'jsonb', nullable: true })
  fileIds!: string[] | null;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;
}
