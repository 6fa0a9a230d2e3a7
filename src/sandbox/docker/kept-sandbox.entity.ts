import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('kept_sandboxes')
export class KeptSandboxRow {
  @PrimaryColumn({ name: 'container_id', type: 'text' })
  containerId!: string;

  @Column({ name: 'session_id', type: 'text' })
  sessionId!: string;

  /** The data directory whose processes may have it. */
  @Column({ name: 'instance_id', type: 'text' })
  instanceId!: string;

  /** One that speaks otherwise than the next process cannot be taken over. */
  @Column({ name: 'kernel_version', type: 'text' })
  kernelVersion!: string;

  @Column({ type: 'text' })
  profile!: string;

  @Column({ type: 'jsonb', default: '[]' })
  egress!: string[];

  /** What the tokens come from that its kernel knows its hosts by; never in the container. */
  @Column({ type: 'bytea' })
  secret!: Buffer;

  /** How many processes have taken it over. */
  @Column({ type: 'integer', default: 0 })
  generation!: number;

  /** The lease of the process that has it. */
  @Column({ name: 'owner_id', type: 'text' })
  ownerId!: string;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;
}
