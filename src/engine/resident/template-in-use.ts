import { readModelFiles } from '../../models/read-model-files.js';
import type { ResidentSettings } from './resident-settings.js';

/** Jinja; null: the file has none, or is not there to be read. Never rejects. */
export async function templateInUse(path: string, settings: ResidentSettings): Promise<string | null> {
  if (settings.chatTemplate !== undefined) return settings.chatTemplate;
  try {
    const [{ header }] = await readModelFiles(path);
    const template = header.values.get('tokenizer.chat_template');
    return typeof template === 'string' ? template : null;
  } catch {
    // Its host read it a moment ago: the model is there, and only what is told of it is less.
    return null;
  }
}
