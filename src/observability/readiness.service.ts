import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { ENGINE } from '../engine/engine.js';
import type { Engine, EngineStatus, PoolMemberStatus } from '../engine/engine.js';
import { SANDBOX_PROVIDER } from '../sandbox/sandbox.js';
import type { SandboxProtections, SandboxProvider } from '../sandbox/sandbox.js';

const DATABASE_PATIENCE_MS = 2000;

/** `reasons` are sentences for a person, empty when ready. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly database: 'ok' | 'unreachable';
  /** Where the model lies and which process has it are for those with a key. */
  readonly engine: Pick<EngineStatus, 'state' | 'model'>;
  readonly sandbox: SandboxProtections;
  /** Off: other processes work the runs. */
  readonly worker: 'on' | 'off';
}

/** Whether a message that came now could be worked. */
@Injectable()
export class ReadinessService {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(SANDBOX_PROVIDER) private readonly sandboxes: SandboxProvider,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Never rejects; takes two seconds at most. */
  async check(): Promise<Readiness> {
    const database = (await this.databaseAnswers()) ? 'ok' : 'unreachable';
    const status = this.engine.status();
    const worker = this.config.runs.worker ? 'on' : 'off';
    const reasons = [
      ...(database === 'ok' ? [] : ['The database does not answer.']),
      ...(worker === 'on' ? engineReasons(status) : []),
    ];
    const { state, model } = status;
    const sandbox = this.sandboxes.protections();
    return { ready: reasons.length === 0, reasons, database, engine: { state, model }, sandbox, worker };
  }

  private async databaseAnswers(): Promise<boolean> {
    const giveUp = new AbortController();
    const answer = this.ping();
    const patience = delay(DATABASE_PATIENCE_MS, false, { signal: giveUp.signal }).catch(() => false);
    try {
      return await Promise.race([answer, patience]);
    } finally {
      giveUp.abort();
    }
  }

  private async ping(): Promise<boolean> {
    try {
      await this.dataSource.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }
}

function engineReasons(status: EngineStatus): string[] {
  switch (status.state) {
    case 'ready':
    case 'remote':
      return [];
    case 'loading':
      return [
        `The model ${status.model} is being loaded: ${status.phase}, ${Math.round(status.progress * 100)} %.`,
      ];
    case 'failed':
      return [`The model ${status.model} could not be loaded: ${status.message}${hintOf(status)}`];
    case 'elsewhere':
      return [];
    case 'pool':
      return poolReasons(status.members);
    case 'closed':
      return ['The engine is shutting down.'];
    default:
      return status satisfies never;
  }
}

/** None while one member could answer. */
function poolReasons(members: readonly PoolMemberStatus[]): string[] {
  const reasons = members.map(({ name, breaker, lastError, status }) =>
    breaker === 'open' ? [`${name} fails and is not asked: ${lastError ?? ''}`] : engineReasons(status),
  );
  return reasons.some((own) => own.length === 0) ? [] : reasons.flat();
}

function hintOf(status: { readonly hint?: string }): string {
  return status.hint === undefined ? '' : ` ${status.hint}`;
}
