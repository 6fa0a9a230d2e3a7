import { request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Passage } from './gate.js';
import { relay } from './relay.js';
import { describeTarget, parseAuthority, type Target } from './target.js';

/** RFC 9110, 7.6.1: these are about one connection, and there are two. `expect` was answered already. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface ForwardedRequest {
  readonly target: Target;
  /** With the query, as it was written. */
  readonly path: string;
}

/** An absolute `http:` URL, the only form a proxy is asked in. */
export function parseAbsoluteForm(url: string): ForwardedRequest | undefined {
  const match = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(url);
  const target = parseAuthority(match?.[1] ?? '', 80);
  if (match === null || target === undefined) return undefined;
  const rest = match[2] ?? '';
  return { target, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** Name and value by turns, without what is not to be passed on. */
function endToEnd(
  rawHeaders: readonly string[],
  connection: string | undefined,
  dropped: string[],
): string[] {
  const named = (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const out = new Set([...named, ...dropped]);
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !out.has(lower)) kept.push(name, value);
  }
  return kept;
}

function requestHeaders(request: IncomingMessage, { target }: ForwardedRequest): string[] {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  // RFC 9112, 3.2.2: the Host that the client wrote does not count.
  const host = describeTarget(target).replace(/:80$/, '');
  return [
    'Host',
    host,
    ...endToEnd(request.rawHeaders, request.headers.connection, ['host']),
    ...(chunked ? ['Transfer-Encoding', 'chunked'] : []),
    'Connection',
    'close',
  ];
}

/** Sends one request on and its answer back. Rejects when either side breaks off, having ended both. */
export async function forwardRequest(
  forwarded: ForwardedRequest,
  request: IncomingMessage,
  response: ServerResponse,
  { outer, counts }: Passage,
  maxHeaderSize: number,
): Promise<void> {
  const outgoing = sendRequest({
    createConnection: () => outer,
    method: request.method,
    path: forwarded.path,
    headers: requestHeaders(request, forwarded),
    maxHeaderSize,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.once('close', () => reject(new Error('the other side is gone')));
  });
  // A server may answer before it has read all, and read no further: then only its answer counts.
  relay(request, outgoing, counts.sent).catch(() => outgoing.destroy());
  try {
    await passBack(await answered, response, counts.received);
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    outgoing.destroy();
    outer.destroy();
  }
}

async function passBack(
  answer: IncomingMessage,
  response: ServerResponse,
  count: Passage['counts']['received'],
) {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [
    ...endToEnd(answer.rawHeaders, answer.headers.connection, []),
    'Connection',
    'close',
  ]);
  await relay(answer, response, count);
}
