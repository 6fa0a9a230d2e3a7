import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { sweepEvery } from '../database/sweep-every.js';
import { DomainError } from '../errors.js';
import { SessionRepository } from './session.repository.js';
import { SessionService } from './session.service.js';

/** As long as mistral.rs keeps its sessions, whose clients go on by `session_id`. */
const KEPT_UNUSED_MS = 30 * 60_000;
const SWEEP_EVERY_MS = 60_000;
const AT_ONCE = 200;

/** Removes the sessions that single requests made and nobody went on with. */
@Injectable()
export class UnusedSessions implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Sessions');
  private stop: (() => Promise<void>) | undefined;
  private isStopping = false;

  constructor(
    private readonly repository: SessionRepository,
    private readonly sessions: SessionService,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = sweepEvery(SWEEP_EVERY_MS, this.logger, () =>
      this.remove(new Date(Date.now() - KEPT_UNUSED_MS)),
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    await this.stop?.();
  }

  /** Those last used before `since`; one with an open run stays. */
  async remove(since: Date): Promise<void> {
    // What was asked for is removed or in use, so no batch has what the one before it had.
    while ((await this.removeSome(since)) === AT_ONCE && !this.isStopping);
  }

  /** How many were found. */
  private async removeSome(since: Date): Promise<number> {
    const found = await this.repository.unused(since, AT_ONCE);
    for (const { id, owner } of found) {
      try {
        await this.sessions.removeUnused(owner, id, since);
      } catch (error) {
        // In use, or removed by another server.
        if (!(error instanceof DomainError)) throw error;
      }
    }
    return found.length;
  }
}
