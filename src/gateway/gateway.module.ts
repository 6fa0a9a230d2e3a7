import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { GatewayServicesFactory } from './gateway-services.factory.js';
import { SessionGateway } from './session.gateway.js';
import { UpgradeRequiredController } from './upgrade-required.controller.js';

/**
 * Needs `DataSource`, `EventLog`, `RunService` and `ApprovalService` from global modules, and the
 * application's WebSocket adapter to be a `GantryWsAdapter`.
 */
@Module({
  imports: [SessionsModule],
  controllers: [UpgradeRequiredController],
  providers: [GatewayServicesFactory, SessionGateway],
})
export class GatewayModule {}
