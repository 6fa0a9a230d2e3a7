import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What of a long session's messages the model is shown; a session without a row shows all of them. */
export class SessionContexts1763751600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE session_contexts (
      session_id text PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
      run_id text NOT NULL,
      shown_from integer NOT NULL,
      asked_from integer,
      trimmed_before integer NOT NULL,
      capped_before integer NOT NULL,
      cap_characters integer NOT NULL,
      summary text,
      updated_at timestamptz NOT NULL DEFAULT now()
    )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE session_contexts`);
  }
}
