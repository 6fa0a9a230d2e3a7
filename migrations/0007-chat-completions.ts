import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATES =
  `'proposed', 'awaiting_approval', 'approved', 'running', 'succeeded', 'failed', 'denied', 'cancelled', ` +
  `'timed_out', 'in_doubt'`;

/** Sessions that a single request made, and calls that a run gave back to its client. */
export class ChatCompletions1763744400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE sessions ADD COLUMN ephemeral boolean NOT NULL DEFAULT false`);
    await queryRunner.query(`CREATE INDEX sessions_ephemeral ON sessions (updated_at) WHERE ephemeral`);
    await queryRunner.query(`ALTER TABLE tool_calls DROP CONSTRAINT tool_calls_state_check`);
    await queryRunner.query(
      `ALTER TABLE tool_calls ADD CONSTRAINT tool_calls_state_check CHECK (state IN (${STATES}, 'returned'))`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX sessions_ephemeral`);
    await queryRunner.query(`ALTER TABLE sessions DROP COLUMN ephemeral`);
    await queryRunner.query(`UPDATE tool_calls SET state = 'cancelled' WHERE state = 'returned'`);
    await queryRunner.query(`ALTER TABLE tool_calls DROP CONSTRAINT tool_calls_state_check`);
    await queryRunner.query(
      `ALTER TABLE tool_calls ADD CONSTRAINT tool_calls_state_check CHECK (state IN (${STATES}))`,
    );
  }
}
