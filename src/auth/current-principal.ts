import type { IncomingMessage } from 'node:http';
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { DomainError } from '../errors.js';
import type { Principal } from './principal.js';

/** Beside the request rather than on it: nothing a client sends can end up here. */
const principals = new WeakMap<IncomingMessage, Principal>();

export function setPrincipal(request: IncomingMessage, principal: Principal): void {
  principals.set(request, principal);
}

export function principalOf(request: IncomingMessage): Principal | undefined {
  return principals.get(request);
}

/** Who asks: `@CurrentPrincipal() principal: Principal`. Only on routes that need a key. */
export const CurrentPrincipal = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Principal => {
    const principal = principalOf(context.switchToHttp().getRequest<IncomingMessage>());
    if (principal === undefined) throw new DomainError('unauthenticated', 'This route needs an API key.');
    return principal;
  },
);
