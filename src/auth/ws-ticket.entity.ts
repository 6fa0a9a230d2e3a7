import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('ws_tickets')
export class WsTicket {
  @PrimaryColumn({ type: 'bytea' })
  hash!: Buffer;

  @Column({ type: 'text' })
  principal!: string;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;
}
