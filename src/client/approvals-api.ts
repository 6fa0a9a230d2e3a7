import { z } from 'zod';
import type { ApprovalDecision } from '../runs/run-request.js';
import { approvalViewSchema } from '../runs/run-view.js';
import type { ApprovalView } from '../runs/run-view.js';
import type { HttpApi } from './http-api.js';

const listSchema = z.object({ data: z.array(approvalViewSchema) });

export class ApprovalsApi {
  constructor(private readonly http: HttpApi) {}

  async list(
    filter: { readonly status?: ApprovalView['state']; readonly sessionId?: string } = {},
  ): Promise<ApprovalView[]> {
    const query = { status: filter.status, session_id: filter.sessionId };
    return (await this.http.json('/v1/agent/approvals', listSchema, { query })).data;
  }

  get(approvalId: string): Promise<ApprovalView> {
    return this.http.json(pathOf(approvalId), approvalViewSchema);
  }

  decide(approvalId: string, decision: ApprovalDecision): Promise<ApprovalView> {
    return this.http.json(pathOf(approvalId), approvalViewSchema, { method: 'POST', json: decision });
  }
}

function pathOf(approvalId: string): string {
  return `/v1/agent/approvals/${encodeURIComponent(approvalId)}`;
}
