import { z } from 'zod';
import { ADAPTER_NAME } from '../models/adapters-folder.js';
import { MOST_RAW, MOST_TOP_LOGPROBS } from '../token-logprobs.js';

const MOST_BIASES = 1024;
const NO_ADAPTER_NAME = 'must be the name of an adapter in models/adapters, without .gguf, or false';

export const agentPermissionSchema = z.enum(['auto', 'ask', 'deny']);
export type AgentPermission = z.infer<typeof agentPermissionSchema>;

/** A function the client executes itself; its calls are answered by `tool_result.submit`. */
export const functionToolSchema = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    description: z.string().max(65_536).optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.boolean().nullish(),
  }),
});

/** As in OpenAI's API. What a schema says beyond what a grammar can express is not enforced. */
const responseFormatSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string().max(64).optional(),
      description: z.string().max(4096).optional(),
      schema: z.record(z.string(), z.unknown()).optional(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

/** By token id. */
const logitBiasSchema = z
  .record(z.string(), z.number().min(-100).max(100))
  .refine(
    (biases) => Object.keys(biases).every((id) => /^\d{1,9}$/.test(id)),
    'must name tokens by their ids, which are numbers',
  )
  .refine(
    (biases) => Object.keys(biases).length <= MOST_BIASES,
    `must not name more than ${MOST_BIASES} tokens`,
  );

const stopTextSchema = z.string().min(1, 'must not be empty; leave stop out for none');

/** How a run with `model: "council:a,b,c"` comes to its answer. */
const councilOptionsSchema = z.strictObject({
  /** Default: `judge`. */
  strategy: z.enum(['first', 'vote', 'judge', 'merge']).optional(),
  /** The model that judges or merges; default: the first expert. */
  judge: z.string().min(1).max(512).optional(),
  /** Seconds for an expert's whole turn, and for the judge's; default: 300. */
  expert_timeout_sec: z.number().positive().max(3600).optional(),
});
export type CouncilOptions = z.infer<typeof councilOptionsSchema>;

/** What a run carries for life: the request without who, where and the user's text. */
export const runOptionsSchema = z.strictObject({
  /** A model's name, or a council of several: `council:a,b,c`. */
  model: z.string().min(1).max(4096).optional(),
  council: councilOptionsSchema.optional(),
  /** Client functions, offered beside the server's own tools. */
  tools: z.array(functionToolSchema).max(64).optional(),
  /**
   * `wait`: the run waits until the client has answered a call of its functions. `return`: the run ends with such
   * calls, and the answers come with the next one.
   */
  client_tools: z.enum(['wait', 'return']).optional(),
  /** What the first turn must be: a call of any tool, or of the named one. */
  tool_choice: z
    .union([
      z.enum(['auto', 'required']),
      z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string().max(64) }) }),
    ])
    .optional(),
  /** False: one call a turn at most. */
  parallel_tool_calls: z.boolean().optional(),
  /** False: the server's tools are not offered. */
  enable_tools: z.boolean().optional(),
  /** Only these of the server's tools. */
  enabled_tools: z.array(z.string()).max(64).optional(),
  /** False: a call that the model writes as text stays text. */
  auto_heal_tool_calls: z.boolean().optional(),
  agent_permission: agentPermissionSchema.optional(),
  tool_execution_mode: z.enum(['sequential', 'parallel_batch_approval', 'parallel_streaming']).optional(),
  max_tool_rounds: z.int().min(0).max(1000).optional(),
  max_tool_calls: z.int().min(0).max(10_000).optional(),
  /** Seconds of work, waiting not counted. */
  max_wall_time_sec: z.number().positive().max(86_400).optional(),
  /** Prompt and completion tokens over all rounds. */
  max_total_tokens: z.int().positive().optional(),
  /** Seconds per call. */
  tool_call_timeout: z.number().positive().max(3600).optional(),
  /** Seconds; null: never. */
  approval_timeout: z.number().positive().max(604_800).nullable().optional(),
  temperature: z.number().min(0).max(10).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  min_p: z.number().min(0).max(1).optional(),
  repetition_penalty: z.number().positive('must be more than 0; 1 is none').max(10).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  /** -1: another one each time, as llama.cpp has it. */
  seed: z.int().optional(),
  stop: z.union([stopTextSchema, z.array(stopTextSchema).max(16)]).optional(),
  logit_bias: logitBiasSchema.optional(),
  max_tokens: z.int().positive().optional(),
  /** A LoRA adapter in models/adapters, by the name of its file without .gguf; false: none. */
  use_adapter: z
    .union([z.literal(false), z.string().regex(ADAPTER_NAME, NO_ADAPTER_NAME)], { error: NO_ADAPTER_NAME })
    .optional(),
  /** Tokens are guessed by what stands in the prompt. */
  prediction: z.strictObject({ type: z.literal('input_lookup') }).optional(),
  /** Each token of the answer with its probability, and with so many of the likeliest in its place. */
  logprobs: z.boolean().optional(),
  top_logprobs: z.int().min(0).max(MOST_TOP_LOGPROBS).optional(),
  /**
   * When the conversation outgrows the model's window. `compact`: old results are trimmed, then old turns summarised.
   * `truncate`: likewise, but old turns are dropped. `error`: the run fails.
   */
  context_overflow: z.enum(['compact', 'truncate', 'error']).optional(),
  /** As in OpenAI's Responses: `auto` is `context_overflow: "truncate"`, `disabled` is `"error"`. */
  truncation: z.enum(['auto', 'disabled']).optional(),
  /** `raw` events: every token that is made, with so many of the likeliest in its place. Needs `max_tokens`. */
  raw: z.int().min(1).max(MOST_RAW).optional(),
  enable_thinking: z.boolean().optional(),
  /** Tokens of thought a turn, after which the answer begins. */
  thinking_budget: z
    .int()
    .positive('must be 1 or more; for no thoughts at all set enable_thinking to false')
    .optional(),
  /** Needs a run without tools. */
  response_format: responseFormatSchema.optional(),
  /** Outputs the caller expects; a missing one comes back as `not_produced`. */
  files: z
    .array(z.strictObject({ name: z.string().min(1).max(255), format: z.string().max(32).optional() }))
    .max(64)
    .optional(),
  /** The WebSocket that makes the run takes it with it when it goes; over HTTP it has no meaning. */
  cancel_on_disconnect: z.boolean().optional(),
});
export type RunOptions = z.infer<typeof runOptionsSchema>;

/** `run.create` and `POST /v1/sessions/{id}/runs`. */
export const createRunSchema = runOptionsSchema.omit({ client_tools: true }).extend({
  /** Absent: a session is made. */
  session_id: z.string().max(64).optional(),
  input: z.string().min(1, 'must not be empty').max(1_000_000),
  /** Uploaded files to put into the working directory first. */
  file_ids: z.array(z.string()).max(64).optional(),
  /** Uploaded pictures and sounds that the message shows to the model. */
  show_file_ids: z.array(z.string()).max(64).optional(),
  cancel_id: z.string().min(1).max(128).optional(),
  idempotency_key: z.string().min(1).max(128).optional(),
});
export type CreateRunRequest = z.infer<typeof createRunSchema>;

/** `tool.invoke` and `POST /v1/sessions/{id}/tool_calls`. */
export const invokeToolSchema = z.strictObject({
  session_id: z.string().max(64),
  name: z.string().min(1).max(128),
  arguments: z.record(z.string(), z.unknown()),
  tool_call_timeout: z.number().positive().max(3600).optional(),
  agent_permission: agentPermissionSchema.optional(),
  cancel_id: z.string().min(1).max(128).optional(),
  idempotency_key: z.string().min(1).max(128).optional(),
});
export type InvokeToolRequest = z.infer<typeof invokeToolSchema>;

/** `run.cancel` and `POST /api/inference/cancel`. Loose: a bad body is no error, it cancels nothing. */
export const cancelKeysSchema = z.object({
  cancel_id: z.string().min(1).max(128).optional().catch(undefined),
  run_id: z.string().optional().catch(undefined),
  completion_id: z.string().optional().catch(undefined),
  session_id: z.string().optional().catch(undefined),
  message_id: z.string().optional().catch(undefined),
});
export type CancelKeys = z.infer<typeof cancelKeysSchema>;

export const approvalDecisionSchema = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  remember_for_session: z.boolean().optional(),
  message: z.string().max(4096).nullish(),
  edited_arguments: z.record(z.string(), z.unknown()).optional(),
  /** The same key twice is the same answer. */
  decision_key: z.string().min(1).max(128).optional(),
});
export type ApprovalDecision = z.infer<typeof approvalDecisionSchema>;

export const toolResultSchema = z.strictObject({
  tool_call_id: z.string(),
  content: z.string().max(4_000_000),
  is_error: z.boolean().optional(),
});
export type ToolResultSubmission = z.infer<typeof toolResultSchema>;
