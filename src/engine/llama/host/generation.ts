import { LlamaChat, type GbnfJsonSchema, type LlamaGrammar, type Token } from 'node-llama-cpp';
import { newId } from '../../../ids.js';
import { messageOf } from '../../../errors.js';
import type { HostEvent, HostGenerateRequest } from '../protocol.js';
import { answerSchema } from './argument-schema.js';
import type { ForcedCall } from './forced-call.js';
import { InputLookup } from './input-lookup.js';
import type { LoadedModel } from './load-model.js';
import { prefill } from './prefill.js';
import { GenerationRefused } from './generation-refused.js';
import { preparePrompt, type PreparedPrompt } from './prepare-prompt.js';
import { samplingOptions } from './sampling-options.js';
import type { SequenceLease } from './sequence-pool.js';
import { streamTurn } from './stream-turn.js';
import { TokenReport } from './token-report.js';
import { TurnRecorder } from './turn-recorder.js';
import { UsageMeter } from './usage-meter.js';

type Emit = (event: HostEvent) => void;

/** Makes one turn. Never rejects: the last event is `stop` or `error`. */
export async function runGeneration(
  loaded: LoadedModel,
  request: HostGenerateRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  try {
    const prompt = preparePrompt(loaded, request);
    if (prompt.maxTokens < 1) {
      // The turn that this one goes on with had come to its limit when it was interrupted.
      emit({ type: 'stop', reason: 'length' });
      return;
    }
    const { sessionId, owner } = request;
    const { tokens } = prompt;
    const place = await placeOf(loaded, request);
    try {
      const kept = place.shelf?.sharedLength(sessionId, tokens) ?? 0;
      const wanted = { sessionId, owner: owner ?? sessionId, tokens, kept };
      const onPosition = (position: number): void => emit({ type: 'queued', position });
      const lease = await place.pool.acquire(wanted, signal, onPosition);
      try {
        await makeTurn({ loaded, shelf: place.shelf, request, prompt, emit, signal, lease });
      } finally {
        lease.release();
      }
    } finally {
      place.release();
    }
  } catch (error) {
    if (signal.aborted) emit({ type: 'stop', reason: 'cancelled' });
    else if (error instanceof GenerationRefused)
      emit({ type: 'error', code: error.code, message: error.message });
    else emit({ type: 'error', code: 'provider', message: messageOf(error) });
  }
}

interface Place extends Pick<LoadedModel, 'pool' | 'shelf'> {
  release(): void;
}

/** Where the request's tokens are evaluated. What an adapter evaluated is kept in its own context only. */
async function placeOf(loaded: LoadedModel, { adapter }: HostGenerateRequest): Promise<Place> {
  if (adapter === undefined) return { pool: loaded.pool, shelf: loaded.shelf, release: () => undefined };
  const lent = await loaded.adapters.open(adapter);
  return { pool: lent.pool, shelf: undefined, release: () => lent.release() };
}

interface Turn {
  readonly loaded: LoadedModel;
  readonly shelf: LoadedModel['shelf'];
  readonly request: HostGenerateRequest;
  readonly prompt: PreparedPrompt;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly lease: SequenceLease;
}

async function makeTurn({ loaded, shelf, request, prompt, emit, signal, lease }: Turn): Promise<void> {
  const { sequence } = lease;
  const { tokens, response } = prompt;
  const meter = new UsageMeter();
  meter.promptDone(tokens.length, 0);
  const generatedBefore = sequence.tokenMeter.usedOutputTokens;
  const recorder = new TurnRecorder(emit, () => newId('call'), {
    text: (request.continueFrom?.text ?? '') !== '',
  });
  const report = tokenReport(loaded, request, emit);
  const lookup = request.prediction === undefined ? undefined : new InputLookup(sequence, tokens);
  const contextSequence = report?.watch(sequence) ?? sequence;
  const chat = new LlamaChat({ contextSequence, chatWrapper: prompt.wrapper });
  const usage = (): HostEvent => {
    const made = sequence.tokenMeter.usedOutputTokens - generatedBefore - (lookup?.wasted ?? 0);
    return { type: 'usage', usage: meter.finish(made, lookup?.count) };
  };
  try {
    await bringBack(shelf, request.sessionId, lease, tokens);
    const cached = await prefill(sequence, tokens, loaded.context.batchSize, signal);
    meter.promptDone(tokens.length, cached);
    lookup?.begin();
    const reason = await streamTurn(chat, response, {
      ...samplingOptions(request.sampling, loaded.defaultSampling),
      tools: request.tools,
      maxCalls: request.parallelToolCalls === false ? 1 : undefined,
      forced: prompt.forced,
      grammar: await answerGrammar(loaded, request, prompt.forced),
      maxTokens: prompt.maxTokens,
      tokenBias: prompt.bias,
      thinkingBudget: request.thinkingBudget,
      signal,
      recorder,
      report,
    });
    recorder.end();
    emit(usage());
    emit({ type: 'stop', reason });
  } catch (error) {
    if (!signal.aborted) throw error;
    recorder.end();
    emit(usage());
    emit({ type: 'stop', reason: 'cancelled' });
  } finally {
    chat.dispose();
    await lookup?.end();
  }
}

function tokenReport(
  { tokenBytes }: LoadedModel,
  { topLogprobs: top, raw }: HostGenerateRequest,
  emit: Emit,
): TokenReport | undefined {
  if (top === undefined && raw === undefined) return undefined;
  return new TokenReport({ top, raw }, tokenBytes, (token) => emit({ type: 'raw', tokens: [token] }));
}

/**
 * Who makes room is kept for its return, and who returns goes on from what was kept. What another owner left is cleared:
 * the count of cached tokens, and the time to the first one, would tell how their prompt begins.
 */
async function bringBack(
  shelf: LoadedModel['shelf'],
  sessionId: string,
  { sequence, displaced, foreign }: SequenceLease,
  tokens: readonly Token[],
): Promise<void> {
  if (displaced !== undefined) await shelf?.keep(displaced, sequence);
  if (foreign) await sequence.clearHistory();
  await shelf?.restore(sessionId, sequence, tokens);
}

async function answerGrammar(
  { model }: LoadedModel,
  { responseFormat }: HostGenerateRequest,
  forced: ForcedCall | undefined,
): Promise<LlamaGrammar | undefined> {
  if (forced !== undefined) return forced.grammar(model);
  if (responseFormat === undefined) return undefined;
  const { schema } = responseFormat;
  if (schema === undefined) return model.llama.getGrammarFor('json');
  return model.llama.createGrammarForJsonSchema<GbnfJsonSchema>(answerSchema(schema));
}
