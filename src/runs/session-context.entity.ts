import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The `ContextMark` of a session whose messages outgrew a model's window; its numbers are positions. */
@Entity('session_contexts')
export class SessionContext {
  @PrimaryColumn({ name: 'session_id', type: 'text' })
  sessionId!: string;

  /** Which run made it so. */
  @Column({ name: 'run_id', type: 'text' })
  runId!: string;

  @Column({ name: 'shown_from', type: 'integer' })
  shownFrom!: number;

  @Column({ name: 'asked_from', type: 'integer', nullable: true })
  askedFrom!: number | null;

  @Column({ name: 'trimmed_before', type: 'integer' })
  trimmedBefore!: number;

  @Column({ name: 'capped_before', type: 'integer' })
  cappedBefore!: number;

  @Column({ name: 'cap_characters', type: 'integer' })
  capCharacters!: number;

  @Column({ type: 'text', nullable: true })
  summary!: string | null;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt!: Date;
}
