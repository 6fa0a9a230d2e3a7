import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import type { RuleView } from '../../approvals/rule.service.js';
import { RuleService } from '../../approvals/rule.service.js';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';

/** What `remember_for_session` stored. */
@Controller('v1/sessions/:id/rules')
export class RuleController {
  constructor(private readonly rules: RuleService) {}

  @Get()
  async list(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
  ): Promise<{ object: 'list'; data: RuleView[] }> {
    return { object: 'list', data: await this.rules.list(principal.name, id) };
  }

  @Delete(':ruleId')
  @HttpCode(204)
  revoke(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Param('ruleId') ruleId: string,
  ): Promise<void> {
    return this.rules.revoke(principal.name, id, ruleId);
  }
}
