import { type DynamicModule, Module } from '@nestjs/common';
import { ApiModule } from './api/api.module.js';
import { HttpModule } from './api/http.module.js';
import { AuthModule } from './auth/auth.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { FilesHttpModule } from './files/files-http.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { RunWorkerModule } from './runs/run-worker.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { CORE_MODULES } from './worker.module.js';

/** The server root. It works runs too, unless other processes do (`GANTRY_WORKER=off`). */
@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        ...CORE_MODULES,
        ...(config.runs.worker ? [RunWorkerModule] : []),
        AuthModule,
        HttpModule,
        ObservabilityModule,
        SessionsModule,
        FilesHttpModule,
        ApiModule,
        GatewayModule,
      ],
    };
  }
}
