import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** One answer: a status and a body, or no answer at all. */
export type EngineReply = { readonly status: number; readonly body: unknown } | 'hang up';

/** A Docker engine that says what a test tells it to. */
export interface ScriptedEngine {
  /** For DOCKER_HOST. */
  readonly url: string;
  /** `METHOD /path`, without what follows a question mark. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** The one it has. */
export const SCRIPTED_IMAGE = 'gantry-sandbox:scripted';

const HEALTHY: Readonly<Record<string, EngineReply>> = {
  'GET /version': { status: 200, body: { ApiVersion: '1.41' } },
  'GET /info': {
    status: 200,
    body: {
      ServerVersion: '20.10',
      OSType: 'linux',
      Runtimes: { runc: {} },
      SecurityOptions: ['name=seccomp,profile=default'],
      MemoryLimit: true,
      PidsLimit: true,
    },
  },
  [`GET /images/${SCRIPTED_IMAGE}/json`]: {
    status: 200,
    body: { Config: { Entrypoint: ['python3', '-m', 'gantry_kernel'] } },
  },
  'GET /containers/json': { status: 200, body: [] },
};

/** Healthy but for `replies`; a request that neither knows is a 404. */
export async function startScriptedEngine(
  replies: Readonly<Record<string, EngineReply>> = {},
): Promise<ScriptedEngine> {
  const requests: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const key = `${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`;
    requests.push(key);
    request.resume();
    const reply = replies[key] ?? HEALTHY[key] ?? { status: 404, body: { message: `no ${key}` } };
    if (reply === 'hang up') {
      response.destroy();
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the engine has no port');
  return {
    url: `tcp://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
