import { messageOf } from '../../errors.js';
import type { GuestOperation } from './isolate-frame.js';
import type { GuestFiles } from './isolate-result.js';

export type FileReply = { readonly error: string } | { readonly body: Uint8Array };

/** Does what the guest asked; never rejects. */
export async function answerGuest(
  operation: GuestOperation,
  body: Buffer,
  files: GuestFiles,
): Promise<FileReply> {
  try {
    switch (operation.name) {
      case 'readFile':
        return { body: await files.read(operation.path) };
      case 'writeFile':
        await files.write(operation.path, body);
        return { body: new Uint8Array() };
      case 'listFiles':
        return { body: Buffer.from(JSON.stringify(await files.list())) };
      default:
        return operation satisfies never;
    }
  } catch (error) {
    return { error: messageOf(error).slice(0, 1000) };
  }
}
