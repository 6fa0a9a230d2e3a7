import { Injectable } from '@nestjs/common';
import { EventLog } from '../events/event-log.js';
import { settleApproval } from './settle-approval.js';
import { RunQueue } from '../runs/run-queue.js';

const EXPIRED = 'Approval timed out.';

/** An approval that nobody decides in time denies its call; the run goes on with that. */
@Injectable()
export class ApprovalExpiry {
  constructor(
    private readonly log: EventLog,
    private readonly queue: RunQueue,
  ) {}

  async expireOverdue(): Promise<void> {
    const overdue = await this.log.transaction((manager) =>
      manager.query<{ id: string }[]>(
        `SELECT id FROM approvals WHERE state = 'pending' AND expires_at < now() ORDER BY expires_at LIMIT 100`,
      ),
    );
    for (const { id } of overdue) {
      await this.log.transaction((manager, append) =>
        settleApproval(manager, append, this.queue, id, { state: 'expired', by: null, message: EXPIRED }),
      );
    }
  }
}
