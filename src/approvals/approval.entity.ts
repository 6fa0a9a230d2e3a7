import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApprovalState, ToolIdentity } from './approval-state.js';

@Entity('approvals')
export class Approval {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ name: 'tool_call_id', type: 'text' })
  toolCallId!: string;

  @Column({ name: 'run_id', type: 'text' })
  runId!: string;

  @Column({ name: 'session_id', type: 'text' })
  sessionId!: string;

  @Column({ type: 'text' })
  owner!: string;

  @Column({ type: 'text' })
  state!: ApprovalState;

  @Column({ name: 'tool_name', type: 'text' })
  toolName!: string;

  @Column({ type: 'jsonb' })
  tool!: ToolIdentity;

  @Column({ type: 'jsonb' })
  arguments!: unknown;

  @Column({ name: 'arguments_hash', type: 'text' })
  argumentsHash!: string;

  @Column({ name: 'edited_arguments', type: 'jsonb', nullable: true })
  editedArguments!: unknown;

  @Column({ type: 'text', nullable: true })
  message!: string | null;

  @Column({ name: 'decision_key', type: 'text', nullable: true })
  decisionKey!: string | null;

  @Column({ name: 'remember_for_session', type: 'boolean', default: false })
  rememberForSession!: boolean;

  @Column({ name: 'decided_by', type: 'text', nullable: true })
  decidedBy!: string | null;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt!: Date | null;
}
