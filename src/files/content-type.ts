import { fileTypeFromBuffer } from 'file-type';
import { extensionOf } from './file-name.js';

const BINARY = 'application/octet-stream';

/** Written in text, yet to be shown by a program of their own. */
const OPAQUE_TEXT = new Set([
  'application/pdf',
  'application/postscript',
  'application/rtf',
  'application/eps',
]);

const TEXT_TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  json: 'application/json',
  jsonl: 'application/jsonl',
  ipynb: 'application/json',
  md: 'text/markdown',
  html: 'text/html',
  htm: 'text/html',
  svg: 'image/svg+xml',
  xml: 'application/xml',
  css: 'text/css',
  js: 'text/javascript',
  py: 'text/x-python',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

/** Text that no browser runs or renders. */
const INERT_TEXT = new Set(['text/csv', 'text/tab-separated-values', 'text/markdown', 'application/json']);

export interface ContentType {
  readonly mimeType: string;
  readonly isText: boolean;
}

/**
 * What the content is, found in the bytes; a name or a client's word only tells text from text.
 * `head` is the content's beginning, `isUtf8` says that all of it is UTF-8 without NUL.
 */
export async function detectContentType(
  head: Uint8Array,
  isUtf8: boolean,
  name: string,
): Promise<ContentType> {
  const detected = head.length === 0 ? undefined : await detect(head);
  if (isUtf8 && !OPAQUE_TEXT.has(detected ?? '')) {
    return { mimeType: TEXT_TYPES[extensionOf(name) ?? ''] ?? 'text/plain', isText: true };
  }
  return { mimeType: detected ?? BINARY, isText: false };
}

/** The `Content-Type` to serve with: never one that a browser would run, whatever was found. */
export function servedContentType(type: ContentType): string {
  if (type.isText) return `${INERT_TEXT.has(type.mimeType) ? type.mimeType : 'text/plain'}; charset=utf-8`;
  const media = /^(image|audio|video)\/[a-z0-9.+-]+$/.test(type.mimeType) && !type.mimeType.endsWith('xml');
  return media || type.mimeType === 'application/pdf' || type.mimeType === 'application/zip'
    ? type.mimeType
    : BINARY;
}

/** Undefined as well for content that breaks the detector. */
async function detect(head: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(head))?.mime;
  } catch {
    return undefined;
  }
}
