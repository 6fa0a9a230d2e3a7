import { Module } from '@nestjs/common';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { AuthModule } from '../auth/auth.module.js';
import { AuthenticationMiddleware } from './authentication.middleware.js';
import { JsonBodyMiddleware } from './json-body.middleware.js';
import { SchemaPipe } from './schema.pipe.js';
import { SourceMiddleware } from './source.middleware.js';
import { WireErrorFilter } from './wire-error.filter.js';

const EVERYWHERE = '{/*path}';
/** These answer while the database is away, so they do not ask it who calls. */
const WITHOUT_KEY = ['health', 'ready'];

/**
 * What every HTTP request goes through: source, key, body, then guards and pipes; errors on the way out.
 * The application is created with `bodyParser: false`.
 */
@Module({
  imports: [AuthModule],
  providers: [
    { provide: APP_FILTER, useClass: WireErrorFilter },
    { provide: APP_PIPE, useClass: SchemaPipe },
  ],
})
export class HttpModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(SourceMiddleware).forRoutes(EVERYWHERE);
    consumer
      .apply(AuthenticationMiddleware, JsonBodyMiddleware)
      .exclude(...WITHOUT_KEY)
      .forRoutes(EVERYWHERE);
  }
}
