import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * States are text with a check, mirroring the discriminants in the code. Ids are prefixed text.
 * Partial unique indexes make the idempotency rules hold under any interleaving.
 */
const UP = [
  `CREATE TABLE api_keys (
    id text PRIMARY KEY,
    principal text NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
  )`,
  `CREATE TABLE ws_tickets (
    hash bytea PRIMARY KEY,
    principal text NOT NULL,
    expires_at timestamptz NOT NULL
  )`,
  `CREATE TABLE sessions (
    id text PRIMARY KEY,
    owner text NOT NULL,
    title text,
    system_prompt text,
    parent_id text,
    last_seq bigint NOT NULL DEFAULT 0,
    last_position integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX sessions_owner ON sessions (owner, updated_at DESC)`,
  `CREATE TABLE events (
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    run_id text,
    type text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, seq)
  )`,
  `CREATE INDEX events_run ON events (run_id, seq)`,
  `CREATE TABLE runs (
    id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    owner text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('chat', 'tool')),
    state text NOT NULL CHECK (state IN
      ('queued', 'running', 'waiting_approval', 'waiting_client', 'completed', 'failed', 'cancelled')),
    stop_reason text,
    generation integer NOT NULL DEFAULT 0,
    worker_id text,
    model text,
    options jsonb NOT NULL,
    input text,
    message_id text,
    cancel_id text,
    idempotency_key text,
    request_hash text NOT NULL,
    round integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    tool_call_count integer NOT NULL DEFAULT 0,
    active_ms bigint NOT NULL DEFAULT 0,
    finish_reason text,
    usage jsonb,
    error jsonb,
    cancel_requested_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz
  )`,
  `CREATE INDEX runs_session ON runs (session_id, created_at)`,
  `CREATE INDEX runs_open ON runs (state) WHERE state IN ('queued', 'running', 'waiting_approval', 'waiting_client')`,
  `CREATE UNIQUE INDEX runs_idempotency ON runs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL`,
  `CREATE UNIQUE INDEX runs_cancel_id ON runs (owner, cancel_id)
    WHERE cancel_id IS NOT NULL AND state IN ('queued', 'running', 'waiting_approval', 'waiting_client')`,
  `CREATE TABLE messages (
    id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    run_id text,
    position integer NOT NULL,
    round integer,
    role text NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
    content text NOT NULL,
    reasoning text,
    tool_calls jsonb,
    tool_call_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, position)
  )`,
  `CREATE INDEX messages_run ON messages (run_id)`,
  `CREATE UNIQUE INDEX messages_turn ON messages (run_id, round) WHERE role = 'assistant'`,
  `CREATE TABLE steering_messages (
    id text PRIMARY KEY,
    run_id text NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE tool_calls (
    id text PRIMARY KEY,
    run_id text NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    round integer NOT NULL,
    index integer NOT NULL,
    name text NOT NULL,
    arguments text NOT NULL,
    arguments_hash text NOT NULL,
    state text NOT NULL CHECK (state IN
      ('proposed', 'awaiting_approval', 'approved', 'running', 'succeeded', 'failed', 'denied',
       'cancelled', 'timed_out', 'in_doubt')),
    attempt integer NOT NULL DEFAULT 0,
    result_content text,
    result_data jsonb,
    result_images jsonb,
    file_ids jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (run_id, round, index)
  )`,
  `CREATE INDEX tool_calls_session ON tool_calls (session_id, created_at)`,
  `CREATE TABLE approvals (
    id text PRIMARY KEY,
    tool_call_id text NOT NULL REFERENCES tool_calls (id) ON DELETE CASCADE,
    run_id text NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    owner text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'cancelled')),
    tool_name text NOT NULL,
    tool jsonb NOT NULL,
    arguments jsonb NOT NULL,
    arguments_hash text NOT NULL,
    edited_arguments jsonb,
    message text,
    decision_key text,
    remember_for_session boolean NOT NULL DEFAULT false,
    decided_by text,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz
  )`,
  `CREATE INDEX approvals_owner ON approvals (owner, state, created_at)`,
  `CREATE INDEX approvals_run ON approvals (run_id)`,
  `CREATE INDEX approvals_expiry ON approvals (expires_at) WHERE state = 'pending'`,
  `CREATE TABLE permission_rules (
    id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    tool text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('allow', 'ask', 'deny')),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_by text,
    revoked_at timestamptz
  )`,
  `CREATE INDEX permission_rules_session ON permission_rules (session_id)`,
  `CREATE TABLE cancel_stash (
    owner text NOT NULL,
    cancel_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (owner, cancel_id)
  )`,
  `CREATE TABLE blobs (
    sha256 bytea PRIMARY KEY,
    bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE blob_chunks (
    sha256 bytea NOT NULL REFERENCES blobs (sha256) ON DELETE CASCADE,
    index integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (sha256, index)
  )`,
  `CREATE TABLE files (
    id text PRIMARY KEY,
    owner text NOT NULL,
    session_id text REFERENCES sessions (id) ON DELETE CASCADE,
    run_id text,
    tool_call_id text,
    name text NOT NULL,
    mime_type text NOT NULL,
    is_text boolean NOT NULL,
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL REFERENCES blobs (sha256),
    purpose text NOT NULL,
    source jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX files_owner ON files (owner, id DESC)`,
  `CREATE INDEX files_session ON files (session_id, created_at)`,
  `CREATE INDEX files_blob ON files (sha256)`,
  `CREATE TABLE workspace_entries (
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    path text NOT NULL,
    file_id text NOT NULL REFERENCES files (id),
    modified_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, path)
  )`,
  `CREATE INDEX workspace_entries_file ON workspace_entries (file_id)`,
];

const TABLES = [
  'workspace_entries',
  'files',
  'blob_chunks',
  'blobs',
  'cancel_stash',
  'permission_rules',
  'approvals',
  'tool_calls',
  'steering_messages',
  'messages',
  'runs',
  'events',
  'sessions',
  'ws_tickets',
  'api_keys',
];

export class InitialSchema1763700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of TABLES) await queryRunner.query(`DROP TABLE ${table}`);
  }
}
