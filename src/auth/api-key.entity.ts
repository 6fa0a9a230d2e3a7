import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('api_keys')
export class ApiKey {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  /** Who the key speaks for; owns sessions and files. */
  @Column({ type: 'text' })
  principal!: string;

  @Column({ type: 'text' })
  name!: string;

  /** sha256 of the key: keys are random, so a slow hash adds nothing. */
  @Column({ type: 'bytea', unique: true })
  hash!: Buffer;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
