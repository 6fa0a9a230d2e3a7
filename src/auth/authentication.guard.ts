import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DomainError } from '../errors.js';
import { principalOf } from './current-principal.js';
import { PUBLIC_ROUTE } from './public.js';

const KEY_PARAMETERS = ['api_key', 'apikey', 'api-key', 'x-api-key', 'key', 'access_token', 'token'];

/** Every route needs a key unless it says `@Public()`. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const isPublic = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isPublic === true) return true;
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    if (principalOf(request) === undefined) throw refusal(request);
    return true;
  }
}

function refusal(request: IncomingMessage): DomainError {
  const { headers } = request;
  if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) {
    return new DomainError('unauthenticated', 'The API key is unknown or revoked.', {
      reason: 'invalid_api_key',
    });
  }
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '');
  const parameter = KEY_PARAMETERS.find((name) => query.has(name));
  if (parameter !== undefined) {
    return new DomainError(
      'unauthenticated',
      'A key in a URL is not taken, since URLs are logged: send it as `Authorization: Bearer <key>`, and revoke this one.',
      { reason: 'key_in_url', param: parameter },
    );
  }
  return new DomainError(
    'unauthenticated',
    'An API key is needed: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`.',
    { reason: 'missing_api_key' },
  );
}
