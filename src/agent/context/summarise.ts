import type { GenerateRequest, Usage } from '../../engine/engine.js';
import { expertsOf, isCouncil } from '../../engine/council-name.js';
import type { EngineError } from '../../engine/engine-error.js';
import { guardStalls, STALL_LIMITS } from '../../engine/stall-guard.js';
import { addUsage, NO_USAGE } from '../../engine/usage.js';
import type { RunPorts } from '../ports.js';
import { retryDelayMs } from '../retry-delay.js';
import type { ContextBudget } from './budget.js';
import { fitPrompt, type SummarySource } from './summary-prompt.js';

export interface SummaryTerms extends Pick<RunPorts, 'engine' | 'pause' | 'random'> {
  readonly base: Pick<GenerateRequest, 'model' | 'sessionId' | 'owner'>;
  readonly budget: Pick<ContextBudget, 'contextSize' | 'summaryTokens'>;
  readonly queued: (position: number) => Promise<void>;
  readonly signal: AbortSignal;
}

export type SummaryOutcome =
  | {
      readonly type: 'summary';
      readonly text: string;
      /** Whole turns and rounds that it is about, the newest of those given. */
      readonly pieces: number;
      readonly usage: Usage;
    }
  | { readonly type: 'failed'; readonly reason: string; readonly usage: Usage };

/** A shorter one leaves the model no sentence. */
const LEAST_TOKENS = 16;
/** After an engine failed in a way that may pass. */
const MAX_RETRIES = 2;

/** One generation without tools, from the newest of what is given that fits. Rejects only when the engine cannot count. */
export async function summarise(terms: SummaryTerms, source: SummarySource): Promise<SummaryOutcome> {
  const { engine, base, budget } = terms;
  if (budget.summaryTokens < LEAST_TOKENS) return failed('The window is too small for a summary.');
  const count = (messages: GenerateRequest['messages']) =>
    engine.count({ ...(base.model === undefined ? {} : { model: base.model }), messages, tools: [] });
  const prompt = await fitPrompt(source, budget.contextSize - budget.summaryTokens - 1, count);
  if (prompt === undefined) return failed('What is to be summarised does not fit the window.');
  const request = {
    ...base,
    ...oneModelOf(base),
    messages: prompt.messages,
    tools: [],
    sampling: { temperature: 0, maxTokens: budget.summaryTokens },
    enableThinking: false,
  };
  const written = await writePatiently(terms, request);
  return written.type === 'failed' ? written : { ...written, pieces: prompt.pieces };
}

/** A council does not gather for a summary: its first expert writes it. */
function oneModelOf({ model }: SummaryTerms['base']): Pick<GenerateRequest, 'model'> {
  const [first] = isCouncil(model) ? expertsOf(model) : [model];
  return first === undefined ? {} : { model: first };
}

async function writePatiently(terms: SummaryTerms, request: GenerateRequest): Promise<Written> {
  let usage = NO_USAGE;
  for (let retries = 0; ; retries += 1) {
    const written = await write(terms, request);
    usage = addUsage(usage, written.usage);
    const error = written.type === 'failed' ? written.error : undefined;
    if (!error?.retryable || retries >= MAX_RETRIES || terms.signal.aborted) return { ...written, usage };
    await terms.pause(retryDelayMs(error, retries, terms.random()), terms.signal);
  }
}

type Written =
  | { readonly type: 'summary'; readonly text: string; readonly usage: Usage }
  | (Failed & { readonly error?: EngineError });
type Failed = Extract<SummaryOutcome, { type: 'failed' }>;

async function write(terms: SummaryTerms, request: GenerateRequest): Promise<Written> {
  let text = '';
  let usage = NO_USAGE;
  const start = (stop: AbortSignal) => terms.engine.generate(request, stop);
  for await (const event of guardStalls(start, terms.signal, STALL_LIMITS)) {
    switch (event.type) {
      case 'queued':
        await terms.queued(event.position);
        break;
      case 'text_delta':
        text += event.text;
        break;
      case 'usage':
        usage = addUsage(usage, event.usage);
        break;
      case 'error':
        return { ...failed(event.error.message, usage), error: event.error };
      case 'stop':
        if (event.reason === 'length') return failed('The summary became too long.', usage);
        if (event.reason !== 'stop') return failed(`The summary ended with ${event.reason}.`, usage);
        return text.trim() === ''
          ? failed('The model wrote no summary.', usage)
          : { type: 'summary', text: text.trim(), usage };
      case 'raw':
      case 'fallback':
      case 'reasoning_delta':
      case 'tool_call_start':
      case 'tool_call_delta':
      case 'content_block_stop':
      case 'council_started':
      case 'expert_delta':
      case 'expert_done':
      case 'council_decided':
        break;
      default:
        return event satisfies never;
    }
  }
  return failed('The engine ended its stream without saying how.', usage);
}

function failed(reason: string, usage: Usage = NO_USAGE): Failed {
  return { type: 'failed', reason, usage };
}
