import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoggerModule } from 'nestjs-pino';
import type { Params } from 'nestjs-pino';
import type { DestinationStream } from 'pino';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { takeRequestId } from './request-id.js';

/** Wherever an object with headers is logged, these values are not. */
const SECRET_HEADERS = ['authorization', '["x-api-key"]', '["sec-websocket-protocol"]', 'cookie'];
const SECRET_PLACES = ['', 'headers', 'req.headers', 'request.headers'];
/** Asked every few seconds by whatever watches the server. */
const QUIET_PATHS = new Set(['/health', '/ready']);

/** One JSON line a request, with the request id on every line logged while it is worked. */
export const LoggingModule = LoggerModule.forRootAsync({
  inject: [CONFIG],
  useFactory: (config: Config) => ({ pinoHttp: loggingOptions(config) }),
});

/** `destination` is for tests; standard output otherwise. */
export function loggingOptions(
  config: Pick<Config, 'logLevel'>,
  destination?: DestinationStream,
): NonNullable<Params['pinoHttp']> {
  return {
    level: config.logLevel,
    genReqId: takeRequestId,
    redact: { paths: SECRET_PLACES.flatMap(secretsIn), censor: '[redacted]' },
    serializers: { req: describeRequest, res: describeResponse },
    autoLogging: { ignore: (request) => QUIET_PATHS.has(pathOf(request.url)) },
    customLogLevel: (_request, response, error) =>
      error !== undefined || response.statusCode >= 500 ? 'error' : 'info',
    ...(destination === undefined ? {} : { stream: destination }),
  };
}

function secretsIn(place: string): string[] {
  return SECRET_HEADERS.map((header) =>
    place === '' || header.startsWith('[') ? place + header : `${place}.${header}`,
  );
}

/** No headers and no query: either may carry a secret. */
function describeRequest(request: IncomingMessage & { readonly remoteAddress?: string }) {
  const { id, method, url, remoteAddress } = request;
  return { id, method, path: pathOf(url), remoteAddress };
}

function describeResponse(response: Pick<ServerResponse, 'statusCode'>) {
  return { statusCode: response.statusCode };
}

function pathOf(url: string | undefined): string {
  return (url ?? '').split('?')[0] ?? '';
}
