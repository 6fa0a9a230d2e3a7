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
/** pino's number for `info`. */
const INFO = 30;
/** Asked every few seconds by whatever watches the server. */
const QUIET_PATHS = new Set(['/health', '/ready']);

/** One JSON line a request, with the request id on every line logged while it is worked. */
export const LoggingModule = LoggerModule.forRootAsync({
  inject: [CONFIG],
  useFactory: (config: Config) => ({ pinoHttp: loggingOptions(config) }),
});

/** Lines for a person instead of JSON. */
const PRETTY = {
  target: 'pino-pretty',
  options: { singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname,context' },
};

/** Nest tells of each module and route at start; that is for those who debug Nest. */
const FRAMEWORK_NOISE = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
]);

/** `destination` is for tests; standard output otherwise. */
export function loggingOptions(
  config: Pick<Config, 'logLevel' | 'logForPeople'>,
  destination?: DestinationStream,
): NonNullable<Params['pinoHttp']> {
  return {
    level: config.logLevel,
    hooks: {
      logMethod(args, method, level) {
        const [bindings] = args as unknown[];
        const context =
          typeof bindings === 'object' && bindings !== null && 'context' in bindings && bindings.context;
        if (level <= INFO && typeof context === 'string' && FRAMEWORK_NOISE.has(context)) return;
        method.apply(this, args);
      },
    },
    genReqId: takeRequestId,
    redact: { paths: SECRET_PLACES.flatMap(secretsIn), censor: '[redacted]' },
    serializers: { req: describeRequest, res: describeResponse },
    autoLogging: { ignore: (request) => QUIET_PATHS.has(pathOf(request.url)) },
    customLogLevel: (_request, response, error) =>
      error !== undefined || response.statusCode >= 500 ? 'error' : 'info',
    ...(config.logForPeople ? { transport: PRETTY } : {}),
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
