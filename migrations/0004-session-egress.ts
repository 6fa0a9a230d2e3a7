import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Hosts that a session's sandbox may reach; none by default. */
export class SessionEgress1763724000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE sessions ADD COLUMN egress jsonb NOT NULL DEFAULT '[]'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE sessions DROP COLUMN egress`);
  }
}
