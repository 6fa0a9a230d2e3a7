import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('workspace_entries')
export class WorkspaceEntry {
  @PrimaryColumn({ name: 'session_id', type: 'text' })
  sessionId!: string;

  @PrimaryColumn({ type: 'text' })
  path!: string;

  @Column({ name: 'file_id', type: 'text' })
  fileId!: string;

  @Column({ type: 'boolean', default: false })
  executable!: boolean;

  @Column({ name: 'modified_at', type: 'timestamptz', default: () => 'now()' })
  modifiedAt!: Date;
}
