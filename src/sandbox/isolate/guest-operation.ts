import type { GuestOperation } from './isolate-frame.js';

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

/** The host's answer as the guest gets it. */
export function decodeReply(form: ReplyForm, body: Buffer): unknown {
  if (form === 'bytes') return new Uint8Array(body);
  const text = body.toString('utf8');
  if (form === 'text') return text;
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
