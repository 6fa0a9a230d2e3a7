import {
  type EmbedRequest,
  type Embeddings,
  normalised,
  type RankRequest,
  type Ranking,
} from '../embedding.js';
import { EngineError } from '../engine-error.js';
import type {
  CountRequest,
  Engine,
  EngineCapabilities,
  EngineEvent,
  EngineStatus,
  GenerateRequest,
  Usage,
} from '../engine.js';
import type { MediaType } from '../media.js';
import type { ModelCard } from '../model-card.js';
import { ReceivedMessageFold } from '../received-message.js';
import type { ScriptedStep, ScriptedTurn } from './scripted-turn.js';

export interface ScriptedEngine extends Engine {
  /** Every request that was made, frozen as it was, oldest first. */
  readonly requests: readonly GenerateRequest[];
  /** Turns for the requests that come after those already scripted. */
  /** What it says it takes beside text. */
  input: readonly MediaType[];
  enqueue(...turns: readonly ScriptedTurn[]): void;
  /** Forgets the turns that nobody asked for. */
  clear(): void;
}

const MODEL = 'scripted';
const CONTEXT_SIZE = 4096;
const VECTOR_LENGTH = 32;

/**
 * The engine of tests: each request plays the next turn of the script. A request beyond the script is
 * an `error` event of code `invalid_request`, never a silent answer.
 */
export function createScriptedEngine(script: readonly ScriptedTurn[] = []): ScriptedEngine {
  return new ScriptPlayer(script);
}

class ScriptPlayer implements ScriptedEngine {
  readonly requests: GenerateRequest[] = [];
  input: readonly MediaType[] = [];
  private readonly turns: ScriptedTurn[];
  private callsMade = 0;
  private closed = false;

  constructor(script: readonly ScriptedTurn[]) {
    this.turns = [...script];
  }

  enqueue(...turns: readonly ScriptedTurn[]): void {
    this.turns.push(...turns);
  }

  clear(): void {
    this.turns.length = 0;
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    this.requests.push(deepFreeze(structuredClone(request)));
    const received = new ReceivedMessageFold();
    let turn: ScriptedTurn | undefined;
    try {
      turn = this.nextTurn(request);
      for (const step of turn.steps) {
        for await (const event of this.play(step, signal)) {
          signal.throwIfAborted();
          received.add(event);
          yield event;
        }
      }
      signal.throwIfAborted();
      yield { type: 'usage', usage: turn.usage ?? usageOf(turn) };
      yield { type: 'stop', reason: turn.stop ?? defaultStop(turn), message: received.snapshot() };
    } catch (error) {
      if (turn?.usage !== undefined) yield { type: 'usage', usage: turn.usage };
      if (signal.aborted) yield { type: 'stop', reason: 'cancelled', message: received.snapshot() };
      else if (error instanceof EngineError) yield { type: 'error', error, received: received.snapshot() };
      else throw error;
    }
  }

  async embed({ model, inputs }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    this.checkOpen();
    checkModel(model);
    signal.throwIfAborted();
    const texts = inputs.map((input) => (typeof input === 'string' ? input : input.join(' ')));
    return {
      vectors: texts.map(letterVector),
      promptTokens: texts.reduce((sum, text) => sum + words(text), 0),
    };
  }

  /** The share of the query's words that a document has. */
  async rank({ model, query, documents }: RankRequest, signal: AbortSignal): Promise<Ranking> {
    this.checkOpen();
    checkModel(model);
    signal.throwIfAborted();
    const asked = query.split(/\s+/);
    const scores = documents.map(
      (document) => asked.filter((word) => document.split(/\s+/).includes(word)).length / asked.length,
    );
    const promptTokens = documents.reduce((sum, document) => sum + words(query) + words(document), 0);
    return { scores, promptTokens };
  }

  async count({ model, messages }: CountRequest): Promise<number> {
    checkModel(model);
    return messages.reduce((sum, message) => sum + words(message.content), 0);
  }

  async capabilities(model?: string): Promise<EngineCapabilities> {
    checkModel(model);
    const { input } = this;
    const abilities = { toolCalls: true, reasoning: true, continuesThoughts: true };
    return { model: MODEL, contextSize: CONTEXT_SIZE, input, ...abilities };
  }

  status(): EngineStatus {
    if (this.closed) return { state: 'closed', model: MODEL };
    return {
      state: 'ready',
      model: MODEL,
      path: '',
      contextSize: CONTEXT_SIZE,
      nativeContextSize: CONTEXT_SIZE,
      device: 'none',
      gpuLayers: 0,
      threads: 0,
      sequences: 1,
      cacheType: 'f16',
      flashAttention: false,
      memoryBytes: 0,
      hostPid: 0,
      batchSize: 1,
      toolCalls: true,
      reasoning: true,
      card: CARD,
    };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private checkOpen(): void {
    if (this.closed) throw new EngineError('cancelled', 'The engine is closed.');
  }

  private nextTurn(request: GenerateRequest): ScriptedTurn {
    this.checkOpen();
    checkModel(request.model);
    const turn = this.turns.shift();
    if (turn === undefined)
      throw new EngineError('invalid_request', 'The script has no turn for this request.');
    return turn;
  }

  private async *play(step: ScriptedStep, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    switch (step.type) {
      case 'queued':
        yield step;
        return;
      case 'text':
        for (const text of step.pieces) yield { type: 'text_delta', text };
        yield { type: 'content_block_stop', block: 'text' };
        return;
      case 'reasoning':
        for (const text of step.pieces) yield { type: 'reasoning_delta', text };
        yield { type: 'content_block_stop', block: 'reasoning' };
        return;
      case 'call':
      case 'broken_call':
        yield* this.playCall(step);
        return;
      case 'wait':
        await untilAborted(step.until, signal);
        return;
      case 'fail':
        throw step.error;
      default:
        step satisfies never;
    }
  }

  private *playCall(
    step: Extract<ScriptedStep, { type: 'call' | 'broken_call' }>,
  ): Generator<EngineEvent, void, void> {
    this.callsMade += 1;
    const id = step.id ?? `call_scripted_${this.callsMade}`;
    yield { type: 'tool_call_start', id, name: step.name };
    yield { type: 'tool_call_delta', id, arguments: step.arguments };
    if (step.type === 'call') yield { type: 'content_block_stop', block: 'tool_call', id };
  }
}

const CARD: ModelCard = {
  title: null,
  quantization: null,
  sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0 },
  reasoningStyle: 'enable_thinking',
  reasoningAlwaysOn: false,
  preservesThinking: false,
};

function checkModel(asked: string | undefined): void {
  if (asked === undefined || asked === MODEL) return;
  throw new EngineError('model_not_found', `No model "${asked}" is loaded; "${MODEL}" is.`);
}

function defaultStop(turn: ScriptedTurn): 'tool_calls' | 'stop' {
  return turn.steps.some((step) => step.type === 'call') ? 'tool_calls' : 'stop';
}

/** Each piece and each call counts as one token, so that a test can predict the figures. */
function usageOf(turn: ScriptedTurn): Usage {
  const tokens = turn.steps.reduce((sum, step) => {
    if (step.type === 'text' || step.type === 'reasoning') return sum + step.pieces.length;
    return step.type === 'call' ? sum + 1 : sum;
  }, 0);
  return {
    prompt_tokens: 1,
    completion_tokens: tokens,
    total_tokens: tokens + 1,
    avg_tok_per_sec: 1,
    avg_prompt_tok_per_sec: 1,
    avg_compl_tok_per_sec: 1,
    total_time_sec: tokens + 1,
    total_prompt_time_sec: 1,
    total_completion_time_sec: tokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

async function untilAborted(until: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([until, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** How often each letter occurs, in length 1. */
function letterVector(text: string): Float32Array<ArrayBuffer> {
  const counts = new Float32Array(VECTOR_LENGTH);
  for (const letter of text) {
    const index = (letter.codePointAt(0) ?? 0) % VECTOR_LENGTH;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return normalised(counts);
}

function words(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
