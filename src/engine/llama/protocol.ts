import { z } from 'zod';
import { chosenTokenSchema, MOST_RAW, MOST_TOP_LOGPROBS, rawTokenSchema } from '../../token-logprobs.js';
import { CACHE_TYPES } from '../cache-types.js';
import type { EngineErrorCode } from '../engine-error.js';
import { LOAD_MODES } from '../load-mode.js';
import { type ModelCard, REASONING_STYLES } from '../model-card.js';

/**
 * What the server and the host process of the model say to each other. Both sides check every
 * message; a host that speaks another version is refused.
 */
export const PROTOCOL_VERSION = 3;

/** Batches of events that a host may have on the way to a server that has not read them yet. */
export const EVENT_CREDIT = 16;

const engineErrorCodes = [
  'provider',
  'rate_limited',
  'overloaded',
  'timeout',
  'stream_interrupted',
  'context_overflow',
  'invalid_request',
  'unauthorized',
  'model_not_found',
  'content_filtered',
  'all_models_unavailable',
  'cancelled',
] as const satisfies readonly EngineErrorCode[];

const toolCall = z.object({ id: z.string(), name: z.string(), arguments: z.string() });

const chatMessage = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: z.string() }),
  z.object({ role: z.literal('user'), content: z.string() }),
  z.object({
    role: z.literal('assistant'),
    content: z.string(),
    reasoning: z.string().optional(),
    toolCalls: z.array(toolCall),
  }),
  z.object({ role: z.literal('tool'), toolCallId: z.string(), name: z.string(), content: z.string() }),
]);

const toolSpec = z.object({
  name: z.string().min(1),
  description: z.string(),
  parameters: z.record(z.string(), z.unknown()),
});

const sampling = z.object({
  temperature: z.number().min(0).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.number().int().min(0).optional(),
  minP: z.number().min(0).max(1).optional(),
  repetitionPenalty: z.number().positive().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  seed: z.number().int().optional(),
  stop: z.array(z.string().min(1)).optional(),
  logitBias: z.record(z.string(), z.number()).optional(),
  maxTokens: z.number().int().positive().optional(),
});

const generateRequest = z.object({
  sessionId: z.string(),
  owner: z.string().optional(),
  messages: z.array(chatMessage),
  tools: z.array(toolSpec),
  sampling,
  enableThinking: z.boolean().optional(),
  thinkingBudget: z.number().int().positive().optional(),
  prediction: z.literal('input_lookup').optional(),
  /** Path of a LoRA adapter's file. */
  adapter: z.string().optional(),
  parallelToolCalls: z.boolean().optional(),
  forcedTools: z.array(z.string()).min(1).optional(),
  responseFormat: z
    .object({ type: z.literal('json'), schema: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  raw: z.number().int().min(1).max(MOST_RAW).optional(),
  topLogprobs: z.number().int().min(0).max(MOST_TOP_LOGPROBS).optional(),
  continueFrom: z.object({ reasoning: z.string(), text: z.string() }).optional(),
});

const modelLocation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('file'), path: z.string() }),
  z.object({
    kind: z.literal('hub'),
    uri: z.string(),
    modelsDirectory: z.string(),
    hub: z.object({ endpoint: z.string(), token: z.string().optional() }),
  }),
]);

const loadSettings = z.object({
  location: modelLocation,
  contextSize: z.union([z.literal('auto'), z.number().int().positive()]),
  threads: z.union([z.literal('auto'), z.number().int().positive()]),
  gpu: z.union([z.literal('auto'), z.literal(false), z.enum(['cuda', 'vulkan', 'metal'])]),
  sequences: z.number().int().positive(),
  gpuLayers: z.union([z.enum(['auto', 'max']), z.number().int().min(0)]),
  cacheType: z.enum(CACHE_TYPES),
  flashAttention: z.union([z.literal('auto'), z.boolean()]),
  batchSize: z.union([z.literal('auto'), z.number().int().positive()]),
  loadMode: z.enum(LOAD_MODES),
  /** Jinja, in place of the file's own. */
  chatTemplate: z.string().optional(),
  memoryBudgetBytes: z.number().positive().optional(),
  defaultTemperature: z.number().min(0).optional(),
  /** Where sequences that make room are kept, in bytes at most. */
  stateCache: z.object({ folder: z.string(), maxBytes: z.number().positive() }).optional(),
  /** Contexts for embeddings and ranking are freed when unused for so long; default 5 minutes. */
  vectorIdleMs: z.number().positive().optional(),
});

const jobId = z.number().int();

const embeddingInputs = z.union([z.array(z.string()), z.array(z.array(z.number().int()))]);

export const toHost = z.discriminatedUnion('type', [
  z.object({ type: z.literal('load'), version: z.number(), settings: loadSettings }),
  z.object({ type: z.literal('generate'), id: jobId, request: generateRequest }),
  z.object({ type: z.literal('credit'), id: jobId, batches: z.number().int().positive() }),
  z.object({ type: z.literal('cancel'), id: jobId }),
  z.object({
    type: z.literal('count'),
    id: jobId,
    messages: z.array(chatMessage),
    tools: z.array(toolSpec),
  }),
  z.object({ type: z.literal('embed'), id: jobId, owner: z.string(), inputs: embeddingInputs }),
  z.object({
    type: z.literal('rank'),
    id: jobId,
    owner: z.string(),
    query: z.string(),
    documents: z.array(z.string()),
  }),
  z.object({ type: z.literal('forget'), sessionId: z.string() }),
  z.object({ type: z.literal('ping') }),
]);

const usage = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number(),
  avg_tok_per_sec: z.number(),
  avg_prompt_tok_per_sec: z.number(),
  avg_compl_tok_per_sec: z.number(),
  total_time_sec: z.number(),
  total_prompt_time_sec: z.number(),
  total_completion_time_sec: z.number(),
  prompt_tokens_details: z.object({ cached_tokens: z.number() }),
  completion_tokens_details: z
    .object({ accepted_prediction_tokens: z.number(), rejected_prediction_tokens: z.number() })
    .optional(),
});

const logprobs = z.array(chosenTokenSchema).optional();

const hostEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('queued'), position: z.number().int() }),
  z.object({ type: z.literal('text_delta'), text: z.string(), logprobs }),
  z.object({ type: z.literal('reasoning_delta'), text: z.string(), logprobs }),
  z.object({ type: z.literal('raw'), tokens: z.array(rawTokenSchema) }),
  z.object({ type: z.literal('tool_call_start'), id: z.string(), name: z.string() }),
  z.object({ type: z.literal('tool_call_delta'), id: z.string(), arguments: z.string() }),
  z.object({
    type: z.literal('content_block_stop'),
    block: z.enum(['text', 'reasoning', 'tool_call']),
    id: z.string().optional(),
  }),
  z.object({ type: z.literal('usage'), usage }),
  z.object({ type: z.literal('stop'), reason: z.enum(['stop', 'tool_calls', 'length', 'cancelled']) }),
  z.object({ type: z.literal('error'), code: z.enum(engineErrorCodes), message: z.string() }),
]);

const loadedModel = z.object({
  path: z.string(),
  contextSize: z.number(),
  nativeContextSize: z.number(),
  device: z.string(),
  gpuLayers: z.number(),
  threads: z.number(),
  sequences: z.number(),
  cacheType: z.enum(CACHE_TYPES),
  flashAttention: z.boolean(),
  memoryBytes: z.number(),
  batchSize: z.number(),
  toolCalls: z.boolean(),
  reasoning: z.boolean(),
  card: z.object({
    title: z.string().nullable(),
    quantization: z.string().nullable(),
    sampling: z.object({
      temperature: z.number(),
      top_p: z.number(),
      top_k: z.number(),
      min_p: z.number(),
    }),
    reasoningStyle: z.enum(REASONING_STYLES).nullable(),
    reasoningAlwaysOn: z.boolean(),
    preservesThinking: z.boolean(),
  }) satisfies z.ZodType<ModelCard>,
});

export const fromHost = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), version: z.number() }),
  z.object({
    type: z.literal('loading'),
    phase: z.enum(['download', 'validate', 'read', 'context']),
    /** 0 to 1 within the phase. */
    progress: z.number(),
    /** Of what is fetched or read. */
    bytes: z.object({ done: z.number(), total: z.number() }).optional(),
  }),
  z.object({ type: z.literal('loaded'), model: loadedModel }),
  z.object({ type: z.literal('load_failed'), message: z.string(), hint: z.string().optional() }),
  z.object({
    type: z.literal('log'),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: z.string(),
  }),
  z.object({ type: z.literal('events'), id: jobId, events: z.array(hostEvent) }),
  z.object({ type: z.literal('counted'), id: jobId, tokens: z.number() }),
  z.object({ type: z.literal('count_failed'), id: jobId, message: z.string() }),
  /** The next input's vector. */
  z.object({
    type: z.literal('embedded'),
    id: jobId,
    vector: z.instanceof(Float32Array),
    tokens: z.number(),
  }),
  /** The next document's score. */
  z.object({ type: z.literal('ranked'), id: jobId, score: z.number(), tokens: z.number() }),
  z.object({
    type: z.literal('vectors_failed'),
    id: jobId,
    code: z.enum(engineErrorCodes),
    message: z.string(),
  }),
  /** All that the model takes now, where it has changed since it was loaded. */
  z.object({ type: z.literal('memory'), bytes: z.number() }),
  z.object({ type: z.literal('pong') }),
]);

export type ToHost = z.infer<typeof toHost>;
export type FromHost = z.infer<typeof fromHost>;
export type HostEvent = z.infer<typeof hostEvent>;
export type LoadSettings = z.infer<typeof loadSettings>;
export type ModelLocation = z.infer<typeof modelLocation>;
export type LoadedModelFacts = z.infer<typeof loadedModel>;
export type HostGenerateRequest = z.infer<typeof generateRequest>;
export type HostMessage = z.infer<typeof chatMessage>;
export type HostTool = z.infer<typeof toolSpec>;
export type HostSampling = z.infer<typeof sampling>;
export type HostUsage = z.infer<typeof usage>;
