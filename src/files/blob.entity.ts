import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Content, kept once however many files have it. */
@Entity('blobs')
export class Blob {
  @PrimaryColumn({ type: 'bytea' })
  sha256!: Buffer;

  @Column({ type: 'bigint' })
  bytes!: string;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;
}

/** 1 MiB pieces, so that a range is read without the rest. */
@Entity('blob_chunks')
export class BlobChunk {
  @PrimaryColumn({ type: 'bytea' })
  sha256!: Buffer;

  @PrimaryColumn({ type: 'integer' })
  index!: number;

  @Column({ type: 'bytea' })
  data!: Buffer;
}
