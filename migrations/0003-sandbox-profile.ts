import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which kind of sandbox a session gets; null for the server's default. */
export class SandboxProfile1763722000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE sessions ADD COLUMN sandbox_profile text`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE sessions DROP COLUMN sandbox_profile`);
  }
}
