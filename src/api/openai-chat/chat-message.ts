import { z } from 'zod';
import { textContent, userContent } from './content-part.js';

const toolCall = z.looseObject({
  id: z.string().min(1).max(256),
  type: z.literal('function').optional(),
  function: z.looseObject({ name: z.string().min(1).max(256), arguments: z.string() }),
});

/** A message as OpenAI's API has it; what it has beyond this is let be. */
export const chatMessageSchema = z.discriminatedUnion('role', [
  z.looseObject({ role: z.literal(['system', 'developer']), content: textContent }),
  z.looseObject({ role: z.literal('user'), content: userContent }),
  z.looseObject({
    role: z.literal('assistant'),
    content: textContent.nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(toolCall).max(256).nullish(),
  }),
  z.looseObject({ role: z.literal('tool'), tool_call_id: z.string().min(1).max(256), content: textContent }),
]);
export type ChatCompletionMessage = z.infer<typeof chatMessageSchema>;
