import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import { Authenticator } from '../auth/authenticator.js';
import { setPrincipal } from '../auth/current-principal.js';

/** Finds out who asks, before the body is read. Whether a route needs to know is the guard's to say. */
@Injectable()
export class AuthenticationMiddleware implements NestMiddleware {
  constructor(private readonly authenticator: Authenticator) {}

  async use(request: IncomingMessage, _response: ServerResponse, next: () => void): Promise<void> {
    const principal = await this.authenticator.authenticate(request.headers);
    if (principal !== undefined) setPrincipal(request, principal);
    next();
  }
}
