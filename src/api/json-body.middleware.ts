import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, UnsupportedMediaTypeException } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import { principalOf } from '../auth/current-principal.js';
import { DomainError } from '../errors.js';
import { MAX_IMPORT_BYTES } from '../sessions/session-export.js';
import { parseHostileJson } from './hostile-json.js';
import { requestPath } from './request-path.js';

const MEBIBYTE = 1024 * 1024;
/** The longest list of token ids to embed has some 300,000. */
const REQUEST_LIMITS = { bytes: 16 * MEBIBYTE, values: 1_000_000 } as const;
/** A session has some fifty values a turn. */
const IMPORT_LIMITS = { bytes: MAX_IMPORT_BYTES, values: 3_000_000 } as const;

/** Routes whose handlers read the body themselves; everything else takes JSON or nothing. */
const OWN_BODY_TYPES = /^(multipart\/form-data|application\/octet-stream)\b/i;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;.*)?$/i;

interface RequestWithBody extends IncomingMessage {
  body?: unknown;
}

/**
 * Reads and checks JSON bodies, only of requests that showed a key: a stranger's bytes are not even
 * buffered. Takes the place of the platform's parser, which runs before anything can ask who sends.
 */
@Injectable()
export class JsonBodyMiddleware implements NestMiddleware {
  async use(request: RequestWithBody, _response: ServerResponse, next: () => void): Promise<void> {
    if (principalOf(request) !== undefined && hasBody(request)) {
      const type = request.headers['content-type'] ?? 'application/json';
      if (JSON_TYPE.test(type)) request.body = await readJson(request);
      else if (!OWN_BODY_TYPES.test(type))
        throw new UnsupportedMediaTypeException('Send JSON as `application/json`.');
    }
    next();
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new UnsupportedMediaTypeException('Compressed bodies are not taken.');
  }
  const path = requestPath(request);
  const limits = isImport(request.method, path) ? IMPORT_LIMITS : REQUEST_LIMITS;
  const text = await readText(request, limits.bytes);
  try {
    return text === '' ? undefined : parseHostileJson(text, limits.values);
  } catch (error) {
    if (path === '/api/inference/cancel') return undefined;
    throw error;
  }
}

function isImport(method: string | undefined, path: string): boolean {
  return method === 'PUT' && /^\/v1\/sessions\/[^/]+$/.test(path);
}

async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new DomainError('invalid_request', 'The body is not UTF-8.', { reason: 'malformed_json' });
  }
}

function tooLarge(maxBytes: number): DomainError {
  return new DomainError('too_large', `The body is larger than ${maxBytes / MEBIBYTE} MiB.`, {
    reason: 'body_too_large',
  });
}
