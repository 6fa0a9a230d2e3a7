import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('cancel_stash')
export class CancelStash {
  @PrimaryColumn({ type: 'text' })
  owner!: string;

  @PrimaryColumn({ name: 'cancel_id', type: 'text' })
  cancelId!: string;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;
}
