import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether a file of a working directory may be run as a program: what `chmod +x` made of it outlives the sandbox. */
export class ExecutableFiles1763727600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE workspace_entries ADD COLUMN executable boolean NOT NULL DEFAULT false`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE workspace_entries DROP COLUMN executable`);
  }
}
