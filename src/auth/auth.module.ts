import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApiKeyService } from './api-key.service.js';
import { AuthenticationGuard } from './authentication.guard.js';
import { Authenticator } from './authenticator.js';
import { TicketController } from './ticket.controller.js';
import { TicketService } from './ticket.service.js';

/** Needs `DataSource` and `CONFIG` from global modules. Who asks is found out by `HttpModule`, before bodies are read. */
@Module({
  controllers: [TicketController],
  providers: [
    ApiKeyService,
    TicketService,
    Authenticator,
    { provide: APP_GUARD, useClass: AuthenticationGuard },
  ],
  exports: [ApiKeyService, TicketService, Authenticator],
})
export class AuthModule {}
