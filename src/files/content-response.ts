import type { IncomingHttpHeaders } from 'node:http';
import { parseByteRange } from './byte-range.js';
import { servedContentType } from './content-type.js';
import { attachmentDisposition } from './file-name.js';
import type { StoredFile } from './file.entity.js';

/** A response to a request for a file's content; the body is the bytes from `start` up to `end`. */
export interface ContentResponse {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string>>;
  readonly start: number;
  readonly end: number;
}

type ServedFile = Pick<StoredFile, 'name' | 'mimeType' | 'isText' | 'bytes' | 'sha256'>;

/**
 * Conditions and ranges of RFC 9110. The content is whatever a client, a model or a program wrote, so
 * no browser is to sniff it, run it or show it as part of this origin.
 */
export function planContentResponse(request: IncomingHttpHeaders, file: ServedFile): ContentResponse {
  const size = Number(file.bytes);
  const etag = `"${file.sha256.toString('hex')}"`;
  const lasting = { etag, 'cache-control': 'private, max-age=31536000, immutable' };
  if (matchesEtag(request['if-none-match'], etag)) return { status: 304, headers: lasting, start: 0, end: 0 };
  const safe = {
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
  };
  const rangeHolds = request['if-range'] === undefined || request['if-range'] === etag;
  const range = parseByteRange(rangeHolds ? request.range : undefined, size);
  if (range.kind === 'unsatisfiable') {
    return { status: 416, headers: { ...safe, 'content-range': `bytes */${size}` }, start: 0, end: 0 };
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: size };
  const headers = {
    ...lasting,
    ...safe,
    'accept-ranges': 'bytes',
    'content-type': servedContentType(file),
    'content-disposition': attachmentDisposition(file.name),
    'content-length': String(end - start),
  };
  if (range.kind === 'whole') return { status: 200, headers, start, end };
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` },
    start,
    end,
  };
}

/** The weak comparison that If-None-Match asks for. */
function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header
    .split(',')
    .map((candidate) => candidate.trim().replace(/^W\//, ''))
    .some((candidate) => candidate === '*' || candidate === etag);
}
