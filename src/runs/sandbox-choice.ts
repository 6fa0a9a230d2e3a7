import type { EntityManager } from 'typeorm';
import { allowedSessionHosts } from '../sandbox/egress/session-hosts.js';
import type { SandboxChoice } from '../sandbox/sandbox.js';

interface ChoiceRecord {
  readonly sandbox_profile: string | null;
  readonly egress: string[];
}

/** What the session chose, its hosts as far as the server (still) allows them. */
export async function readSandboxChoice(
  manager: EntityManager,
  sessionId: string,
  ceiling: readonly string[],
): Promise<SandboxChoice> {
  const [row] = await manager.query<ChoiceRecord[]>(
    'SELECT sandbox_profile, egress FROM sessions WHERE id = $1',
    [sessionId],
  );
  const profile = row?.sandbox_profile ?? undefined;
  const egress = allowedSessionHosts(row?.egress ?? [], ceiling);
  return { ...(profile === undefined ? {} : { profile }), egress };
}
