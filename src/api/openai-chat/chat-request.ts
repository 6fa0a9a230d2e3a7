import { z } from 'zod';
import { functionToolSchema, runOptionsSchema } from '../../runs/run-request.js';
import { chatMessageSchema } from './chat-message.js';

/** Tools of the server, by the types that peers and OpenAI's other API know them. */
export const SERVER_TOOL_TYPES = {
  code_interpreter: 'python',
  shell: 'terminal',
  web_search: 'web_search',
} as const;

/** What a run knows of a function; what clients send beside it has no effect. */
const functionSchema = z.object({
  type: z.literal('function'),
  function: z.preprocess(withoutNulls, z.object(functionToolSchema.shape.function.shape)),
});

const toolSchema = z.discriminatedUnion('type', [
  functionSchema,
  z.looseObject({ type: z.literal(['code_interpreter', 'shell', 'web_search']) }),
]);

/** What this server does not do; a request that asks for it is refused, not answered with something else. */
const UNSUPPORTED: Readonly<
  Record<string, { readonly accepts: (value: unknown) => boolean; readonly hint: string }>
> = {
  n: { accepts: (value) => value === 1, hint: 'must be 1: send one request for each answer' },
  raw: { accepts: () => false, hint: 'is for runs: send it to POST /v1/sessions/{id}/runs' },
  modalities: { accepts: (value) => JSON.stringify(value) === '["text"]', hint: 'must be ["text"]' },
  audio: { accepts: () => false, hint: 'is not supported: this server makes text' },
  functions: { accepts: isEmpty, hint: 'is the old form: use `tools`' },
  function_call: { accepts: (value) => value === 'none', hint: 'is the old form: use `tool_choice`' },
};

/** `POST /v1/chat/completions`: OpenAI's fields, ours, and what clients send beside them, which has no effect. */
export const chatRequestSchema = z.preprocess(
  withoutNulls,
  runOptionsSchema
    .omit({ client_tools: true, cancel_on_disconnect: true, raw: true })
    .extend({
      messages: z.array(chatMessageSchema).min(1, 'must not be empty').max(10_000),
      /** Go on in this session: only what comes after the last message of the assistant is new. */
      session_id: z.string().max(64).optional(),
      stream: z.boolean().optional(),
      stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
      tools: z.array(toolSchema).max(128).optional(),
      tool_choice: z
        .union([
          z.enum(['none', 'auto', 'required']),
          z.object({ type: z.literal('function'), function: z.object({ name: z.string().max(64) }) }),
        ])
        .optional(),
      /** OpenAI's own, an answer to be expected, is a hint for speed and has no effect. */
      prediction: z.looseObject({ type: z.enum(['input_lookup', 'content']) }).optional(),
      max_completion_tokens: z.int().positive().optional(),
      reasoning_effort: z.string().optional(),
      /** Others' name of `thinking_budget`; what else is in it has no effect. */
      reasoning: z.looseObject({ max_tokens: runOptionsSchema.shape.thinking_budget }).optional(),
      /** Other servers' names of `max_tool_rounds` and `agent_permission`. */
      max_tool_calls_per_message: runOptionsSchema.shape.max_tool_rounds,
      code_execution_permission: runOptionsSchema.shape.agent_permission,
      cancel_id: z.string().min(1).max(128).optional(),
      /** True: the run goes on when the client goes away. */
      background: z.boolean().optional(),
    })
    .loose()
    .superRefine(refuseUnsupported),
);
export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** SDKs send null for what was not set; only `approval_timeout` means something by it. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => value !== null || name === 'approval_timeout'),
  );
}

function refuseUnsupported(request: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const [name, { accepts, hint }] of Object.entries(UNSUPPORTED)) {
    if (request[name] === undefined || accepts(request[name])) continue;
    context.addIssue({ code: 'custom', path: [name], message: hint });
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
