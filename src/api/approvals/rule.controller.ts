import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ApprovalService } from '../../approvals/approval.service.js';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';

/** What `remember_for_session` stored. */
@Controller('v1/sessions/:id/rules')
export class RuleController {
  constructor(private readonly approvals: ApprovalService) {}

  @Get()
  async list(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
  ): Promise<{ object: 'list'; data: Awaited<ReturnType<ApprovalService['listRules']>> }> {
    return { object: 'list', data: await this.approvals.listRules(principal.name, id) };
  }

  @Delete(':ruleId')
  @HttpCode(204)
  revoke(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Param('ruleId') ruleId: string,
  ): Promise<void> {
    return this.approvals.revokeRule(principal.name, id, ruleId);
  }
}
