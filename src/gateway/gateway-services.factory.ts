import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ApprovalService } from '../approvals/approval.service.js';
import { EventLog } from '../events/event-log.js';
import { RunService } from '../runs/run.service.js';
import type { RunView } from '../runs/run-view.js';
import { SessionTransferService } from '../sessions/session-transfer.service.js';
import { SessionService } from '../sessions/session.service.js';
import type { CreatedRun, GatewayServices } from './gateway-services.js';

/** Gives each connection the services, bound to whom it speaks for. */
@Injectable()
export class GatewayServicesFactory {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly sessions: SessionService,
    private readonly transfer: SessionTransferService,
    private readonly runs: RunService,
    private readonly approvals: ApprovalService,
  ) {}

  bind(principal: string): GatewayServices {
    const { sessions, transfer, runs, approvals } = this;
    return {
      createSession: (request) => sessions.create(principal, request),
      lastSeq: async (sessionId) => Number((await sessions.requireOwned(principal, sessionId)).lastSeq),
      snapshot: async (sessionId) => {
        const session = await transfer.export(principal, sessionId);
        return { seq: session.last_seq, session };
      },
      subscribe: (sessionId, afterSeq, signal) => this.log.subscribe(sessionId, afterSeq, signal),
      createRun: async (request) => this.locate(await runs.create(principal, request)),
      invokeTool: async (request) => this.locate(await runs.invokeTool(principal, request)),
      cancel: (keys) => runs.cancel(principal, keys),
      steer: (runId, text) => runs.steer(principal, runId, text),
      submitToolResult: (submission) => runs.submitToolResult(principal, submission),
      decide: (approvalId, decision) => approvals.decide(principal, approvalId, decision),
    };
  }

  /** A run and its first events are committed together, so the first one is there by now. */
  private async locate({ run, created }: { run: RunView; created: boolean }): Promise<CreatedRun> {
    const [row] = await this.dataSource.query<{ first: string | null }[]>(
      'SELECT min(seq) AS first FROM events WHERE run_id = $1',
      [run.id],
    );
    return { run, created, afterSeq: Math.max(0, Number(row?.first ?? 0) - 1) };
  }
}
