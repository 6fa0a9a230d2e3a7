import { Module } from '@nestjs/common';
import { EngineMetricsModule } from './metrics/engine-metrics.module.js';
import { HealthController } from './health.controller.js';
import { LoggingModule } from './logging.module.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { MetricsService } from './metrics/metrics.service.js';
import { ReadinessService } from './readiness.service.js';

/** Needs `DataSource`, `CONFIG`, `ENGINE` and `SANDBOX_PROVIDER` from global modules. */
@Module({
  imports: [EngineMetricsModule, LoggingModule],
  controllers: [HealthController, MetricsController],
  providers: [ReadinessService, MetricsService],
})
export class ObservabilityModule {}
