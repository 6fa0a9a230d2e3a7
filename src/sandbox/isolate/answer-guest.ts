import { messageOf } from '../../errors.js';
import type { GuestOperation } from './isolate-frame.js';
import type { GuestToolResult, IsolateCall } from './isolate-result.js';

/** Well under the frame's cap, and what a guest's heap can take. */
const MAX_RESULT_BYTES = 4 * 1024 * 1024;
const MAX_SHORTENED_CHARS = 500_000;

export type GuestReply = { readonly error: string } | { readonly body: Uint8Array };

/** Does what the guest asked; never rejects. */
export async function answerGuest(
  operation: GuestOperation,
  body: Buffer,
  { files, tools }: Pick<IsolateCall, 'files' | 'tools'>,
): Promise<GuestReply> {
  try {
    switch (operation.name) {
      case 'readFile':
        return { body: await files.read(operation.path) };
      case 'writeFile':
        await files.write(operation.path, body);
        return { body: new Uint8Array() };
      case 'listFiles':
        return { body: Buffer.from(JSON.stringify(await files.list())) };
      case 'callTool': {
        const args: unknown = JSON.parse(body.toString('utf8'));
        return { body: resultBody(await tools.call(operation.tool, args)) };
      }
      default:
        return operation satisfies never;
    }
  } catch (error) {
    return { error: messageOf(error).slice(0, 1000) };
  }
}

/** A result that is too large loses its fields, and of its text what is beyond half a million characters. */
function resultBody(result: GuestToolResult): Buffer {
  const whole = Buffer.from(JSON.stringify(result));
  if (whole.byteLength <= MAX_RESULT_BYTES) return whole;
  const { status, content, message } = result;
  const short = `${content.slice(0, MAX_SHORTENED_CHARS).toWellFormed()}\n[the rest is cut]`;
  return Buffer.from(JSON.stringify({ status, content: short, message }));
}
