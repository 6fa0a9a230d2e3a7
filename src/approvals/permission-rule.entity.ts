import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('permission_rules')
export class PermissionRule {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ name: 'session_id', type: 'text' })
  sessionId!: string;

  /** A tool name or a glob with `*`. */
  @Column({ type: 'text' })
  tool!: string;

  @Column({ type: 'text' })
  decision!: 'allow' | 'ask' | 'deny';

  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'revoked_by', type: 'text', nullable: true })
  revokedBy!: string | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
