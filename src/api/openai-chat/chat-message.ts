import { z } from 'zod';

const textPart = z.looseObject({
  type: z.literal('text', { error: 'must be "text": no images, audio or files are read here' }),
  text: z.string(),
});
const content = z.union([z.string(), z.array(textPart).max(1000)]);

const toolCall = z.looseObject({
  id: z.string().min(1).max(256),
  type: z.literal('function').optional(),
  function: z.looseObject({ name: z.string().min(1).max(256), arguments: z.string() }),
});

/** A message as OpenAI's API has it; what it has beyond this is let be. */
export const chatMessageSchema = z.discriminatedUnion('role', [
  z.looseObject({ role: z.literal(['system', 'developer']), content }),
  z.looseObject({ role: z.literal('user'), content }),
  z.looseObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(toolCall).max(256).nullish(),
  }),
  z.looseObject({ role: z.literal('tool'), tool_call_id: z.string().min(1).max(256), content }),
]);
export type ChatCompletionMessage = z.infer<typeof chatMessageSchema>;

export function textOf(value: z.infer<typeof content> | null | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : value.map((part) => part.text).join('');
}
