import type { GuestOperation } from './isolate-frame.js';

const MAX_FILE_BYTES = 8 * 1024 * 1024;

export type ReplyForm = 'text' | 'bytes' | 'json';

/** What the guest asks for; undefined when it is nothing that exists. */
export function operationOf(name: unknown, target: string): GuestOperation | undefined {
  switch (name) {
    case 'readFile':
    case 'writeFile':
      return { name, path: target };
    case 'listFiles':
      return { name };
    case 'callTool':
      return { name, tool: target };
    default:
      return undefined;
  }
}

/** What the guest sends along, as bytes. */
export function bodyOf(data: unknown): Uint8Array | undefined {
  if (typeof data === 'string') return Buffer.from(data);
  return data instanceof Uint8Array ? data : undefined;
}

/** Why the guest may not send this; it has counted characters only, of which one may take three bytes. */
export function refusalOf(body: Uint8Array | undefined): string | undefined {
  return body && body.byteLength > MAX_FILE_BYTES ? 'A file may have 8 MiB at most' : undefined;
}

export function replyFormOf({ name }: GuestOperation, asBytes: unknown): ReplyForm {
  if (name !== 'readFile') return 'json';
  return asBytes === true ? 'bytes' : 'text';
}

/** The host's answer as the guest gets it. */
export function decodeReply(form: ReplyForm, body: Buffer): unknown {
  if (form === 'bytes') return new Uint8Array(body);
  const text = body.toString('utf8');
  if (form === 'text') return text;
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
