import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A call that another call's code made: it goes with the call that made it. */
export class NestedCalls1763720000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE tool_calls ADD COLUMN parent_id text REFERENCES tool_calls (id) ON DELETE CASCADE`,
    );
    await queryRunner.query(
      `CREATE INDEX tool_calls_parent ON tool_calls (parent_id) WHERE parent_id IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE tool_calls DROP COLUMN parent_id`);
  }
}
