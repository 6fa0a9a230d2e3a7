import type { CouncilEvent, CouncilTerms } from './council-event.js';
import type { EmbedRequest, Embeddings, RankRequest, Ranking } from './embedding.js';
import type { ChosenToken, RawToken } from '../token-logprobs.js';
import type { EngineError } from './engine-error.js';
import type { CacheType } from './cache-types.js';
import type { Media, MediaType } from './media.js';
import type { ModelCard } from './model-card.js';
import type { PassedOver } from './passed-over.js';

/** JSON Schema of a tool's arguments. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ToolCallRequest {
  readonly id: string;
  readonly name: string;
  /** JSON text exactly as the model made it; may be malformed. */
  readonly arguments: string;
}

/** One message of a conversation as every engine sees it. */
export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string; readonly media?: readonly Media[] }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly reasoning?: string;
      readonly toolCalls: readonly ToolCallRequest[];
    }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly name: string;
      readonly content: string;
      /** Pictures that the call made. */
      readonly media?: readonly Media[];
    };

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
}

export interface SamplingOptions {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  /** By token id: what is added to the token's logit, -100 to 100. */
  readonly logitBias?: Readonly<Record<string, number>>;
  /** Tokens of the turn at most, those of `continueFrom` included; default: what is left of the context. */
  readonly maxTokens?: number;
}

export interface ResponseFormat {
  readonly type: 'json';
  readonly schema?: JsonSchema;
}

/** The part of an assistant turn that an interrupted attempt already produced and committed. */
export interface AssistantPrefix {
  readonly reasoning: string;
  readonly text: string;
}

export interface GenerateRequest {
  /** Absent: the one that the engine is for. One that it has not is an error, never another in its place. */
  readonly model?: string;
  /** Requests of one session share a KV cache when the engine can keep it. */
  readonly sessionId: string;
  /** Whose request it is: owners take turns, and nobody goes on with another's cache. Absent: the session's own. */
  readonly owner?: string;
  readonly messages: readonly ChatMessage[];
  /** Empty: the model cannot call. */
  readonly tools: readonly ToolSpec[];
  readonly sampling: SamplingOptions;
  readonly enableThinking?: boolean;
  /** Name of a LoRA adapter that changes the model for this turn. */
  readonly adapter?: string;
  /** Guess tokens by what followed the same ones in the prompt: the text is the same, sooner where it repeats. */
  readonly prediction?: 'input_lookup';
  /** After so many tokens of thought the answer begins. */
  readonly thinkingBudget?: number;
  /** False: one call at most. */
  readonly parallelToolCalls?: boolean;
  /** The turn is a call of one of these tools. */
  readonly forcedTools?: readonly string[];
  /** The text is held to JSON, to that of the schema where one is given. Not together with tools. */
  readonly responseFormat?: ResponseFormat;
  /** Each token of text and reasoning comes with its probability, and with so many of the likeliest: 0 to 20. */
  readonly topLogprobs?: number;
  /** Every token that is made comes with so many of the likeliest in its place: 1 to 1024. */
  readonly raw?: number;
  /** Continue from exactly this prefix; only what comes after it is emitted. */
  readonly continueFrom?: AssistantPrefix;
  /** How `model`, a council, comes to its answer; of no meaning to a single model. */
  readonly council?: CouncilTerms;
}

/** What a prompt is counted from; `model` as in GenerateRequest. */
export type CountRequest = Pick<GenerateRequest, 'model' | 'messages' | 'tools'>;

/** The nine figures of a generation; seconds and tokens per second. Summed over rounds by the loop. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly avg_tok_per_sec: number;
  readonly avg_prompt_tok_per_sec: number;
  readonly avg_compl_tok_per_sec: number;
  readonly total_time_sec: number;
  readonly total_prompt_time_sec: number;
  readonly total_completion_time_sec: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
  /** Where tokens were predicted: guesses that came true, and that did not. */
  readonly completion_tokens_details?: {
    readonly accepted_prediction_tokens: number;
    readonly rejected_prediction_tokens: number;
  };
}

export type EngineStopReason = 'stop' | 'tool_calls' | 'length' | 'cancelled';

/** What one generation had produced when it ended or broke. */
export interface ReceivedMessage {
  readonly text: string;
  readonly reasoning: string;
  /** Calls whose arguments were complete. */
  readonly completeCalls: readonly ToolCallRequest[];
  /** The call that was being made when the stream broke. */
  readonly callInFlight?: ToolCallRequest;
}

/** A piece of the turn itself. `logprobs`: the tokens that the text is made of, where they were asked for. */
export type TurnEvent =
  | { readonly type: 'text_delta'; readonly text: string; readonly logprobs?: readonly ChosenToken[] }
  | { readonly type: 'reasoning_delta'; readonly text: string; readonly logprobs?: readonly ChosenToken[] }
  | { readonly type: 'tool_call_start'; readonly id: string; readonly name: string }
  | { readonly type: 'tool_call_delta'; readonly id: string; readonly arguments: string }
  | {
      readonly type: 'content_block_stop';
      readonly block: 'text' | 'reasoning' | 'tool_call';
      readonly id?: string;
    };

export type EngineEvent =
  | { readonly type: 'queued'; readonly position: number }
  | TurnEvent
  /** Where they were asked for, all tokens, before the text that they make. */
  | { readonly type: 'raw'; readonly tokens: readonly RawToken[] }
  | CouncilEvent
  /** Of a pool, before the turn begins: `model` is asked instead of those that did not answer. */
  | { readonly type: 'fallback'; readonly model: string; readonly passedOver: readonly PassedOver[] }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'stop'; readonly reason: EngineStopReason; readonly message: ReceivedMessage }
  | { readonly type: 'error'; readonly error: EngineError; readonly received: ReceivedMessage };

export interface EngineCapabilities {
  readonly model: string;
  readonly contextSize: number;
  readonly toolCalls: boolean;
  readonly reasoning: boolean;
  /** What its messages may have beside text, which is all it is sent; absent: nothing. */
  readonly input?: readonly MediaType[];
  /** Goes on with a thought that was cut off; absent: has it again from its beginning. */
  readonly continuesThoughts?: boolean;
}

/** What `/ready` and `/api/inference/status` show. Sizes in bytes. */
export type EngineStatus =
  | {
      readonly state: 'loading';
      readonly model: string;
      readonly phase: string;
      /** 0 to 1 within the phase. */
      readonly progress: number;
      /** Of what is fetched or read. */
      readonly bytes?: { readonly done: number; readonly total: number };
    }
  | {
      readonly state: 'ready';
      readonly model: string;
      readonly path: string;
      readonly contextSize: number;
      readonly nativeContextSize: number;
      readonly device: string;
      readonly gpuLayers: number;
      readonly threads: number;
      /** Conversations that are worked on at the same time. */
      readonly sequences: number;
      readonly cacheType: CacheType;
      readonly flashAttention: boolean;
      readonly memoryBytes: number;
      readonly hostPid: number;
      /** Tokens that are evaluated at once. */
      readonly batchSize: number;
      readonly toolCalls: boolean;
      readonly reasoning: boolean;
      readonly card: ModelCard;
    }
  /** Ready, on a server that is not ours. */
  | {
      readonly state: 'remote';
      readonly model: string;
      /** Without keys. */
      readonly url: string;
      /** Which software it is, as far as it tells. */
      readonly kind: string;
      readonly contextSize: number;
      readonly contextFrom: 'configuration' | 'server' | 'assumption';
      /** What it takes beside text. */
      readonly input: readonly MediaType[];
      /** Generations at work, and in line for one of the places. */
      readonly active: number;
      readonly waiting: number;
    }
  /** Several, of which the first that can answers. */
  | {
      readonly state: 'pool';
      /** The preferred one's. */
      readonly model: string;
      /** The smallest of those that are known. */
      readonly contextSize?: number;
      /** Generations that went past a member, since the start. */
      readonly fallbacks: number;
      readonly members: readonly PoolMemberStatus[];
    }
  | { readonly state: 'failed'; readonly model: string; readonly message: string; readonly hint?: string }
  /** Other processes have it: this one works no runs. */
  | { readonly state: 'elsewhere'; readonly model: string; readonly others: readonly string[] }
  | { readonly state: 'closed'; readonly model: string };

/** One of an engine's models, and every name that requests may call it by. */
export interface ServedModel {
  readonly names: readonly string[];
  readonly status: EngineStatus;
}

/** Open: it failed too often and is not asked. Half open: one request tries it. */
export interface PoolMemberStatus {
  readonly name: string;
  readonly breaker: 'closed' | 'open' | 'half_open';
  /** Milliseconds until one request tries it again. */
  readonly probeInMs?: number;
  /** Generations since the start. */
  readonly answered: number;
  readonly failed: number;
  readonly lastError?: string;
  readonly status: EngineStatus;
}

/**
 * A source of assistant turns. Adapters: `llama` (a GGUF in a host process of its own), `openai` (a server
 * that speaks OpenAI's API), `resilient` (one over several), `scripted` (the shipped double). One conformance suite holds for all.
 */
export interface Engine {
  /**
   * Streams one assistant turn. Never throws or rejects: every end is a final `stop` or `error`
   * event, exactly one of them, and nothing follows it. An abort ends with `stop: cancelled`.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /** Rejects with an EngineError, or as the signal does. Part of a request is never left out: it is done whole or refused. */
  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings>;
  /** As `embed`. Refused with `invalid_request` by a model that cannot rank. */
  rank(request: RankRequest, signal: AbortSignal): Promise<Ranking>;
  /** Tokens that the request's prompt would take. */
  count(request: CountRequest): Promise<number>;
  /** Resolves once the model is loaded; rejects with an EngineError when it cannot be. */
  capabilities(model?: string): Promise<EngineCapabilities>;
  status(): EngineStatus;
  /** The engine that answers as this model; undefined when it is not here. Without it there is one model only. */
  find?(model: string): Engine | undefined;
  /** Its models, the one for requests without a name first. Without it there is the one that `status` tells of. */
  models?(): readonly ServedModel[];
  /** What it keeps of a session goes, in memory and on disk. Absent: it keeps nothing. */
  forget?(sessionId: string): void;
  close(): Promise<void>;
}

/** Nest injection token of the engine in use. */
export const ENGINE = Symbol('Engine');
