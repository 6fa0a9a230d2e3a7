import type { GantryClient } from '../../src/client/gantry-client.js';
import { LONG_TEXT } from './workload.js';

/** What the model says to the long text's prompt when nobody disturbs it. */
export async function uninterruptedText(client: GantryClient): Promise<string> {
  for await (const event of client.run(LONG_TEXT)) {
    if (event.type !== 'done') continue;
    const [choice] = event.response.choices;
    if (choice !== undefined && choice.message.content.length > 0) return choice.message.content;
  }
  throw new Error('the undisturbed run did not end with a text');
}
