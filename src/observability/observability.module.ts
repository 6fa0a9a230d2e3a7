import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { LoggingModule } from './logging.module.js';
import { ReadinessService } from './readiness.service.js';

/** Needs `DataSource`, `CONFIG`, `ENGINE` and `SANDBOX_PROVIDER` from global modules. */
@Module({ imports: [LoggingModule], controllers: [HealthController], providers: [ReadinessService] })
export class ObservabilityModule {}
