import { request as requestPlain, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { pipeline, type Duplex, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { EngineError } from '../engine-error.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly key: string | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Decompressed; read only as fast as it is asked for. */
  readonly body: Readable;
  /** Closes the connection, which tells the server to stop. */
  close(): void;
}

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * One request on a connection of its own, so that closing it stops the generation. No redirect is followed
 * and nothing times out but by `signal`: a long prompt is silent for minutes, and `fetch` gives up after five.
 * Rejects with what the socket says, or EngineError provider.
 */
export async function exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const url = new URL(request.url);
  const payload = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const outgoing = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, {
    method: request.method,
    agent: false,
    signal,
    headers: {
      accept: 'text/event-stream, application/json',
      'accept-encoding': 'identity',
      'user-agent': 'gantry',
      ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
      ...(request.key !== undefined && { authorization: `Bearer ${request.key}` }),
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once('response', resolve);
  // Stays: errors after the response reach whoever reads the body, and here they mean nothing more.
  outgoing.on('error', reject);
  outgoing.end(payload);
  const incoming = await promise;
  const close = () => {
    outgoing.destroy();
  };
  try {
    const body = decoded(incoming);
    // For an error that comes when nobody reads any more.
    body.on('error', () => undefined);
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body, close };
  } catch (error) {
    close();
    throw error;
  }
}

function decoded(incoming: IncomingMessage): Readable {
  const encoding = incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return incoming;
  const decoder = DECODERS[encoding]?.();
  if (decoder === undefined)
    throw new EngineError('provider', `The server sent the unknown content encoding ${encoding}.`);
  // Whoever reads the decoder is told of either end's error.
  pipeline(incoming, decoder, () => undefined);
  return decoder;
}

/** The body as text, cut after `maxBytes`. */
export async function readText(response: HttpResponse, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response.body as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, maxBytes).toString('utf8');
}
