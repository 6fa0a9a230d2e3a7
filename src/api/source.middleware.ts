import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import { refuseSource } from '../auth/request-source.js';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';

const PREFLIGHT_SECONDS = 600;

/** Before anything else: from where may this be asked, and what may a browser do with the answer. */
@Injectable()
export class SourceMiddleware implements NestMiddleware {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    response.removeHeader('x-powered-by');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    response.setHeader('vary', 'origin, access-control-request-headers');
    const refused = refuseSource(request.headers, this.config.http);
    if (refused !== undefined) throw refused;
    const { origin } = request.headers;
    if (origin !== undefined && this.config.http.allowedOrigins.includes(origin)) {
      allowOrigin(response, origin, request.headers['access-control-request-headers']);
    }
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      response.writeHead(204).end();
      return;
    }
    next();
  }
}

/**
 * Without credentials: keys travel in a header that the page sets itself, never in a cookie. Whichever headers a listed
 * page asks to send it may send: official clients add some of their own, and none of them makes anybody trusted.
 */
function allowOrigin(response: ServerResponse, origin: string, headers: string | undefined): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  if (headers !== undefined) response.setHeader('access-control-allow-headers', headers);
  response.setHeader(
    'access-control-expose-headers',
    'x-request-id, retry-after, location, etag, content-range, content-disposition',
  );
  response.setHeader('access-control-max-age', String(PREFLIGHT_SECONDS));
}
