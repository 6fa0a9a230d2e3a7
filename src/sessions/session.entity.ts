import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('sessions')
export class Session {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  owner!: string;

  @Column({ type: 'text', nullable: true })
  title!: string | null;

  @Column({ name: 'system_prompt', type: 'text', nullable: true })
  systemPrompt!: string | null;

  /** Of the server's, by name; null for its default. */
  @Column({ name: 'sandbox_profile', type: 'text', nullable: true })
  sandboxProfile!: string | null;

  /** Hosts that its sandbox may reach. */
  @Column({ type: 'jsonb', default: [] })
  egress!: string[];

  /** The session this one was forked from. */
  @Column({ name: 'parent_id', type: 'text', nullable: true })
  parentId!: string | null;

  /** Made for one request that nobody has gone on with. */
  @Column({ type: 'boolean', default: false })
  ephemeral!: boolean;

  /** Of the last event; bigint comes as text. */
  @Column({ name: 'last_seq', type: 'bigint', default: 0 })
  lastSeq!: string;

  @Column({ name: 'last_position', type: 'integer', default: 0 })
  lastPosition!: number;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt!: Date;
}
