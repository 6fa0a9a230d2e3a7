import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Files that a message shows to the model; null: none. A run keeps those of its message until it is claimed. */
export class Attachments1763766000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE messages ADD COLUMN file_ids jsonb`);
    await queryRunner.query(`ALTER TABLE runs ADD COLUMN input_file_ids jsonb`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE runs DROP COLUMN input_file_ids`);
    await queryRunner.query(`ALTER TABLE messages DROP COLUMN file_ids`);
  }
}
