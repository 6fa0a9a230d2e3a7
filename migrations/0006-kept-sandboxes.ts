import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sandboxes that may outlive their process, and what a next one needs to take them over. */
export class KeptSandboxes1763729400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TABLE kept_sandboxes (
        container_id text PRIMARY KEY,
        session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        instance_id text NOT NULL,
        kernel_version text NOT NULL,
        profile text NOT NULL,
        egress jsonb NOT NULL DEFAULT '[]',
        secret bytea NOT NULL,
        generation integer NOT NULL DEFAULT 0,
        owner_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`,
    );
    await queryRunner.query(`CREATE INDEX kept_sandboxes_by_session ON kept_sandboxes (session_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE kept_sandboxes`);
  }
}
