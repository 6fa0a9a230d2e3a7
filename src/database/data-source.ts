import { DataSource } from 'typeorm';
import { InitialSchema1763700000000 } from '../../migrations/0001-initial-schema.js';
import { NestedCalls1763720000000 } from '../../migrations/0002-nested-calls.js';
import { SandboxProfile1763722000000 } from '../../migrations/0003-sandbox-profile.js';
import { SessionEgress1763724000000 } from '../../migrations/0004-session-egress.js';
import { ExecutableFiles1763727600000 } from '../../migrations/0005-executable-files.js';
import { KeptSandboxes1763729400000 } from '../../migrations/0006-kept-sandboxes.js';
import { ChatCompletions1763744400000 } from '../../migrations/0007-chat-completions.js';
import { SessionContexts1763751600000 } from '../../migrations/0008-session-contexts.js';
import { Attachments1763766000000 } from '../../migrations/0009-attachments.js';
import { ApiKey } from '../auth/api-key.entity.js';
import { WsTicket } from '../auth/ws-ticket.entity.js';
import { Approval } from '../approvals/approval.entity.js';
import { PermissionRule } from '../approvals/permission-rule.entity.js';
import { EventRow } from '../events/event.entity.js';
import { Blob, BlobChunk } from '../files/blob.entity.js';
import { StoredFile } from '../files/file.entity.js';
import { CancelStash } from '../runs/cancel-stash.entity.js';
import { Run } from '../runs/run.entity.js';
import { SessionContext } from '../runs/session-context.entity.js';
import { SteeringMessage } from '../runs/steering-message.entity.js';
import { ToolCall } from '../runs/tool-call.entity.js';
import { KeptSandboxRow } from '../sandbox/docker/kept-sandbox.entity.js';
import { Message } from '../sessions/message.entity.js';
import { Session } from '../sessions/session.entity.js';
import { WorkspaceEntry } from '../workspaces/workspace-entry.entity.js';

export const ENTITIES = [
  ApiKey,
  WsTicket,
  Session,
  EventRow,
  Run,
  Message,
  SteeringMessage,
  SessionContext,
  ToolCall,
  Approval,
  PermissionRule,
  CancelStash,
  Blob,
  BlobChunk,
  StoredFile,
  WorkspaceEntry,
  KeptSandboxRow,
];

/** `synchronize` stays off for ever: the schema is what the numbered migrations say. */
export function createDataSource(url: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: ENTITIES,
    migrations: [
      InitialSchema1763700000000,
      NestedCalls1763720000000,
      SandboxProfile1763722000000,
      SessionEgress1763724000000,
      ExecutableFiles1763727600000,
      KeptSandboxes1763729400000,
      ChatCompletions1763744400000,
      SessionContexts1763751600000,
      Attachments1763766000000,
    ],
    migrationsTableName: 'schema_migrations',
    synchronize: false,
    applicationName: 'gantry',
    poolSize: 16,
    extra: { keepAlive: true, connectionTimeoutMillis: 10_000 },
  });
}
