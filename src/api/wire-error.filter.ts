import type { IncomingMessage, ServerResponse } from 'node:http';
import { Catch, HttpException, Logger, MethodNotAllowedException, NotFoundException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { allowedMethods } from './allowed-methods.js';
import { requestPath } from './request-path.js';
import { toWireError } from './wire-error.js';

/** The one place where an error becomes an HTTP response: `{ error: { message, type, param, code } }`. */
@Catch()
export class WireErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') {
      this.logger.error(thrown);
      return;
    }
    const request = host.switchToHttp().getRequest<IncomingMessage>();
    const response = host.switchToHttp().getResponse<ServerResponse>();
    const { error, allow } = this.ofRouting(thrown, request);
    const failure = toWireError(error);
    if (failure.status === 500) this.logger.error(thrown instanceof Error ? thrown : String(thrown));
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (failure.status === 413) response.setHeader('connection', 'close');
    if (allow !== undefined) response.setHeader('allow', allow);
    for (const [name, value] of Object.entries(failure.headers)) response.setHeader(name, value);
    response.statusCode = failure.status;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify({ error: failure.body }));
  }

  /** The router says 404 for a wrong method too; this tells the two apart and words both. */
  private ofRouting(thrown: unknown, request: IncomingMessage): { error: unknown; allow?: string } {
    if (!(thrown instanceof HttpException) || thrown.getStatus() !== 404) return { error: thrown };
    const path = requestPath(request);
    const methods = allowedMethods(this.adapterHost.httpAdapter.getInstance<unknown>(), path);
    if (methods.length === 0) {
      return { error: new NotFoundException(`There is no route ${request.method} ${path.slice(0, 200)}.`) };
    }
    const allow = methods.join(', ');
    return {
      error: new MethodNotAllowedException(`This route takes ${allow}, not ${request.method}.`),
      allow,
    };
  }
}
