import type { CouncilTerms } from '../engine/council-event.js';
import type { ChatMessage, GenerateRequest, SamplingOptions, ToolSpec } from '../engine/engine.js';
import type { CouncilOptions, RunOptions } from '../runs/run-request.js';
import type { RunSnapshot } from './snapshot.js';

/** What the engine is asked for this round. Pure. */
export function toRequest(
  snapshot: RunSnapshot,
  messages: readonly ChatMessage[],
  tools: readonly ToolSpec[],
  continueFrom: GenerateRequest['continueFrom'],
): GenerateRequest {
  const { model, enable_thinking: enableThinking, parallel_tool_calls: parallelToolCalls } = snapshot.options;
  const { thinking_budget: thinkingBudget, prediction, raw, use_adapter: adapter } = snapshot.options;
  const topLogprobs = snapshot.options.logprobs === true ? (snapshot.options.top_logprobs ?? 0) : undefined;
  const forcedTools = toForcedTools(snapshot, tools);
  const responseFormat = toResponseFormat(snapshot.options);
  return {
    sessionId: snapshot.sessionId,
    owner: snapshot.owner,
    messages,
    tools,
    sampling: toSampling(snapshot.options),
    ...(model === undefined ? {} : { model }),
    ...(enableThinking === undefined ? {} : { enableThinking }),
    ...(thinkingBudget === undefined ? {} : { thinkingBudget }),
    ...(typeof adapter === 'string' ? { adapter } : {}),
    ...(prediction === undefined ? {} : { prediction: prediction.type }),
    ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
    ...(forcedTools === undefined ? {} : { forcedTools }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
    ...(raw === undefined ? {} : { raw }),
    ...(topLogprobs === undefined ? {} : { topLogprobs }),
    ...(continueFrom === undefined ? {} : { continueFrom }),
    ...(snapshot.options.council === undefined ? {} : { council: toCouncilTerms(snapshot.options.council) }),
  };
}

function toCouncilTerms({ strategy, judge, expert_timeout_sec: seconds }: CouncilOptions): CouncilTerms {
  return {
    ...(strategy === undefined ? {} : { strategy }),
    ...(judge === undefined ? {} : { judge }),
    ...(seconds === undefined ? {} : { expertTimeoutMs: seconds * 1000 }),
  };
}

/** In the run's first turn: afterwards the model must be free to answer. */
function toForcedTools(
  { options, round }: RunSnapshot,
  tools: readonly ToolSpec[],
): GenerateRequest['forcedTools'] {
  const choice = options.tool_choice ?? 'auto';
  if (round > 0 || tools.length === 0 || choice === 'auto') return undefined;
  return choice === 'required' ? tools.map(({ name }) => name) : [choice.function.name];
}

function toResponseFormat({ response_format: format }: RunOptions): GenerateRequest['responseFormat'] {
  switch (format?.type) {
    case undefined:
    case 'text':
      return undefined;
    case 'json_object':
      return { type: 'json' };
    case 'json_schema':
      return {
        type: 'json',
        ...(format.json_schema.schema === undefined ? {} : { schema: format.json_schema.schema }),
      };
    default:
      return format satisfies never;
  }
}

function toSampling(options: RunOptions): SamplingOptions {
  const given = {
    temperature: options.temperature,
    topP: options.top_p,
    topK: options.top_k,
    minP: options.min_p,
    repetitionPenalty: options.repetition_penalty,
    presencePenalty: options.presence_penalty,
    frequencyPenalty: options.frequency_penalty,
    seed: options.seed,
    stop: typeof options.stop === 'string' ? [options.stop] : options.stop,
    logitBias: options.logit_bias,
    maxTokens: options.max_tokens,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
