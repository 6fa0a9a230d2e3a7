import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApprovalService } from '../../approvals/approval.service.js';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { approvalDecisionSchema } from '../../runs/run-request.js';
import type { ApprovalDecision } from '../../runs/run-request.js';
import type { ApprovalView } from '../../runs/run-view.js';
import { approvalQuerySchema } from './approval-query.js';
import type { ApprovalQuery } from './approval-query.js';

@Controller('v1/agent/approvals')
export class ApprovalController {
  constructor(private readonly approvals: ApprovalService) {}

  @Get()
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: approvalQuerySchema }) { status, session_id }: ApprovalQuery,
  ): Promise<{ object: 'list'; data: ApprovalView[] }> {
    const filter = {
      ...(status === undefined ? {} : { status }),
      ...(session_id === undefined ? {} : { session_id }),
    };
    return { object: 'list', data: await this.approvals.list(principal.name, filter) };
  }

  @Get(':id')
  get(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<ApprovalView> {
    return this.approvals.get(principal.name, id);
  }

  @Post(':id')
  @HttpCode(200)
  decide(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: approvalDecisionSchema }) decision: ApprovalDecision,
  ): Promise<ApprovalView> {
    return this.approvals.decide(principal.name, id, decision);
  }
}
