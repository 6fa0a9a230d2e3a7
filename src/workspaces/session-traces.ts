import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ENGINE, type Engine } from '../engine/engine.js';
import { EventBus } from '../events/event-bus.js';
import { IsolatePool } from '../sandbox/isolate/isolate-pool.js';
import { WorkspaceService } from './workspace.service.js';

/** What processes hold of a session that is gone or replaced: sandboxes, JavaScript's too, and the model's tokens. All of them let go of it. */
@Injectable()
export class SessionTraces implements OnModuleInit, OnModuleDestroy {
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(EventBus) private readonly bus: EventBus,
    private readonly workspaces: WorkspaceService,
    private readonly isolates: IsolatePool,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  onModuleInit(): void {
    this.stopListening = this.bus.onSignal('forget_session', (message) => {
      const [origin, sessionId] = message.split(' ');
      // What this process said it has done before it said so; by now there may be a new one.
      if (origin !== this.bus.origin && sessionId !== undefined) void this.endHere(sessionId);
    });
  }

  onModuleDestroy(): void {
    this.stopListening?.();
  }

  /** A later call starts in a sandbox that knows nothing of the session. Should this process die, idleness ends them. */
  async end(sessionId: string): Promise<void> {
    await this.endHere(sessionId);
    const message = `${this.bus.origin} ${sessionId}`;
    await this.dataSource.query(EventBus.signalSql('forget_session'), [message]);
  }

  private async endHere(sessionId: string): Promise<void> {
    this.engine.forget?.(sessionId);
    this.isolates.release(sessionId);
    await this.workspaces.releaseSandbox(sessionId);
  }
}
