import { Global, Module } from '@nestjs/common';
import { EngineMetrics } from './engine-metrics.js';

/** Apart from the route, since the model is told of before there is one. */
@Global()
@Module({ providers: [EngineMetrics], exports: [EngineMetrics] })
export class EngineMetricsModule {}
