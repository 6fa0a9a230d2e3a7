import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request for a chat, as the server got it. */
export interface ReceivedChat {
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

/** Another server that speaks OpenAI's API, and says what a test tells it to. */
export interface ScriptedUpstream {
  /** Ends in `/v1`. */
  readonly url: string;
  /** `METHOD /path` of everything that was asked. */
  readonly requests: readonly string[];
  readonly chats: readonly ReceivedChat[];
  /** The answer to the next chat; asked for more, it answers 500. */
  enqueue(...answers: readonly Answer[]): void;
  /** Forgets answers that nobody asked for. */
  clear(): void;
  /** Settles when the connection of the oldest unanswered chat is closed by the other side. */
  nextClose(): Promise<void>;
  close(): Promise<void>;
}

export interface UpstreamScene {
  /** What `GET` or `POST` of a path answers as JSON; `/v1/models` has a default. A function is called with the body. */
  readonly replies?: Readonly<Record<string, unknown>>;
  readonly port?: number;
}

export const UPSTREAM_MODEL = 'scripted-model';

export async function startScriptedUpstream(scene: UpstreamScene = {}): Promise<ScriptedUpstream> {
  const requests: string[] = [];
  const chats: ReceivedChat[] = [];
  const answers: Answer[] = [];
  let closed = Promise.withResolvers<void>();
  const replies: Readonly<Record<string, unknown>> = {
    '/v1/models': { object: 'list', data: [{ id: UPSTREAM_MODEL, object: 'model', owned_by: 'somebody' }] },
    ...scene.replies,
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const body = await readBody(request);
    if (request.url === '/v1/chat/completions') {
      chats.push({ headers: request.headers, body });
      response.on('close', () => {
        if (!response.writableFinished) closed.resolve();
      });
      await (answers.shift() ?? fails)(response, request);
      return;
    }
    const reply = replies[request.url ?? ''];
    response.writeHead(reply === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(typeof reply === 'function' ? reply(body) : (reply ?? { detail: 'Not Found' })),
    );
  };
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(scene.port ?? 0, '127.0.0.1', resolve);
  await listening;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the upstream has no port');
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    requests,
    chats,
    enqueue: (...more) => void answers.push(...more),
    clear: () => void answers.splice(0),
    nextClose: async () => {
      await closed.promise;
      closed = Promise.withResolvers<void>();
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

const fails: Answer = (response) => {
  response.writeHead(500).end('{"error":{"message":"the script has no answer for this"}}');
};

/** The beginning of a stream. */
export function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
}

/** A chunk as the official API sends it. */
export function chunk(delta: unknown, finish: string | null = null): string {
  return event({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 0,
    model: UPSTREAM_MODEL,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
}

export function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export const USAGE_EVENT = event({
  choices: [],
  usage: {
    prompt_tokens: 20,
    completion_tokens: 5,
    total_tokens: 25,
    prompt_tokens_details: { cached_tokens: 4 },
  },
});

export const DONE = 'data: [DONE]\n\n';

/** A whole stream of these deltas, ended as it should be. */
export function answers(deltas: readonly unknown[], finish = 'stop'): Answer {
  return (response) => {
    openStream(response);
    const head = chunk({ role: 'assistant', content: '' });
    response.end(
      `${head}${deltas.map((delta) => chunk(delta)).join('')}${chunk({}, finish)}${USAGE_EVENT}${DONE}`,
    );
  };
}

/** A first delta, and then silence. */
export function stallsAfter(delta: unknown, finish: string | null = null): Answer {
  return (response) => {
    openStream(response);
    response.write(chunk(delta, finish));
  };
}
