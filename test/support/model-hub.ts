import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubFile {
  readonly content: Buffer;
  /** What the list says, where that is to be a lie or nothing. */
  readonly listed?: { readonly bytes?: number; readonly sha256?: string | undefined };
  readonly etag?: string;
}

/** How the next request for a file's content is answered. */
export interface Answer {
  /** The connection is cut after this many bytes of the body. */
  readonly dropAfter?: number;
  /** After `bytes` of the body nothing comes until `until` is fulfilled. */
  readonly pause?: { readonly bytes: number; readonly until: Promise<void> };
  /** The whole file, whatever was asked for. */
  readonly ignoreRange?: true;
  /** A part, also where If-Range says that it would be one of another file. */
  readonly ignoreIfRange?: true;
  readonly etag?: string;
  readonly content?: Buffer;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without a length, so that a cut looks like an end. */
  readonly endless?: true;
}

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
  /** Bytes of content that were written to the connection. */
  sentBytes: number;
}

/** A server with the part of the Hugging Face hub's API that fetching a model needs, which misbehaves as a test says. */
export class ModelHub {
  readonly files = new Map<string, HubFile>();
  /** Taken one for each request for content; when none is left, files are served as they should be. */
  readonly answers: Answer[] = [];
  /** The same for requests for the list. */
  readonly listAnswers: Answer[] = [];
  readonly requests: SeenRequest[] = [];
  filesPerPage = 1000;

  private constructor(
    private readonly server: Server,
    readonly endpoint: string,
  ) {}

  static async start(): Promise<ModelHub> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const hub = new ModelHub(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => hub.serve(request, response));
    return hub;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  get contentRequests(): readonly SeenRequest[] {
    return this.requests.filter(({ path }) => !path.startsWith('/api/'));
  }

  get sentBytes(): number {
    return this.contentRequests.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  }

  forget(): void {
    this.requests.length = 0;
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.endpoint);
    const { range, authorization } = request.headers;
    const ifRange = request.headers['if-range'];
    const seen: SeenRequest = {
      path: url.pathname,
      range,
      ifRange: typeof ifRange === 'string' ? ifRange : undefined,
      authorization,
      sentBytes: 0,
    };
    this.requests.push(seen);
    if (url.pathname.startsWith('/api/')) this.list(url, response, this.listAnswers.shift() ?? {});
    else void this.content(seen, response, this.answers.shift() ?? {});
  }

  private list(url: URL, response: ServerResponse, { status = 200, headers = {}, content }: Answer): void {
    const all = [...this.files].map(([path, { content, listed }]) => {
      const sha256 = listed !== undefined && 'sha256' in listed ? listed.sha256 : sha256Of(content);
      const size = listed?.bytes ?? content.length;
      return { type: 'file', path, size, oid: '0'.repeat(40), ...(sha256 && { lfs: { oid: sha256, size } }) };
    });
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const until = from + this.filesPerPage;
    if (until < all.length)
      response.setHeader('link', `<${this.endpoint}${url.pathname}?cursor=${until}>; rel="next"`);
    response.writeHead(status, headers).end(content ?? JSON.stringify(all.slice(from, until)));
  }

  private async content(seen: SeenRequest, response: ServerResponse, answer: Answer): Promise<void> {
    const file = this.files.get(seen.path.split('/').slice(5).map(decodeURIComponent).join('/'));
    const status = answer.status ?? (file === undefined ? 404 : 200);
    if (status !== 200 || file === undefined) {
      response.writeHead(status, answer.headers).end();
      return;
    }
    const content = answer.content ?? file.content;
    const etag = answer.etag ?? file.etag ?? `"${sha256Of(content)}"`;
    const asked = Number(/^bytes=(\d+)-$/.exec(seen.range ?? '')?.[1] ?? 0);
    const isSame = seen.ifRange === undefined || seen.ifRange === etag || answer.ignoreIfRange === true;
    const from = isSame && answer.ignoreRange !== true ? asked : 0;
    response.setHeader('etag', etag);
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
    if (from > 0)
      response.setHeader('content-range', `bytes ${from}-${content.length - 1}/${content.length}`);
    if (answer.endless !== true) response.setHeader('content-length', content.length - from);
    response.writeHead(from > 0 ? 206 : 200);
    await send(content.subarray(from), seen, response, answer);
  }
}

async function send(
  body: Buffer,
  seen: SeenRequest,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  const { dropAfter = body.length, pause } = answer;
  const write = async (bytes: Buffer): Promise<void> => {
    if (bytes.length === 0 || response.destroyed) return;
    seen.sentBytes += bytes.length;
    if (!response.write(bytes)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  };
  let rest = body.subarray(0, dropAfter);
  if (pause !== undefined) {
    await write(rest.subarray(0, pause.bytes));
    rest = rest.subarray(pause.bytes);
    await Promise.race([pause.until, once(response, 'close')]);
  }
  await write(rest);
  if (dropAfter < body.length && answer.endless !== true) {
    // What was written is on its way before the connection ends.
    response.write('', () => response.socket?.destroySoon());
  } else response.end();
}

export function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
