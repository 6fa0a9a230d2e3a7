import type { ChatMessage, GenerateRequest, ToolSpec } from '../../engine/engine.js';
import { EngineError } from '../../engine/engine-error.js';
import { addUsage } from '../../engine/usage.js';
import { contextOverflowOf } from '../../runs/context-overflow.js';
import type { RunPorts } from '../ports.js';
import { withMedia } from '../show-media.js';
import type { RunSnapshot } from '../snapshot.js';
import { type ContextBudget, contextBudget } from './budget.js';
import { compactionEvent } from './compaction-event.js';
import { applyMark, type ContextMark } from './context-mark.js';
import { type Counter, type Found, findMark } from './find-mark.js';
import { leftOutBetween } from './left-out.js';
import { answerTooLarge, turnTooLarge } from './overflow-error.js';
import { summarise, type SummaryOutcome } from './summarise.js';

export interface RoomTerms {
  readonly withTools: boolean;
  /** As in InferenceTerms: also for the summary. */
  readonly timeMs: number | undefined;
  readonly signal: AbortSignal;
}

export type Room =
  | {
      readonly type: 'fits';
      readonly messages: readonly ChatMessage[];
      readonly tools: readonly ToolSpec[];
      /** As in EngineCapabilities, of whom the conversation is for. */
      readonly continuesThoughts: boolean;
    }
  /** The session has a shorter context now: read it anew. */
  | { readonly type: 'compacted' }
  | { readonly type: 'failed'; readonly error: EngineError };

/**
 * The conversation as it fits the model's window, by the engine's own counts. One that does not is made much shorter
 * than it must be, once and for all turns to come: a context that changed at each would be read anew at each.
 */
export function makeRoom(ports: RunPorts, snapshot: RunSnapshot, terms: RoomTerms): Promise<Room> {
  return roomIn(ports, snapshot, terms, (contextSize) => contextSize);
}

/** After the engine refused what was counted to fit: its window is smaller than it said, or its count was an estimate. */
export function makeMoreRoom(ports: RunPorts, snapshot: RunSnapshot, terms: RoomTerms): Promise<Room> {
  return roomIn(ports, snapshot, terms, Math.min);
}

/** Of the size that the engine tells and the tokens of the prompt as it is. */
type WindowOf = (contextSize: number, promptTokens: number) => number;

async function roomIn(
  ports: RunPorts,
  snapshot: RunSnapshot,
  terms: RoomTerms,
  windowOf: WindowOf,
): Promise<Room> {
  try {
    return await roomFor(ports, snapshot, terms, windowOf);
  } catch (error) {
    if (error instanceof EngineError) return { type: 'failed', error };
    throw error;
  }
}

async function roomFor(
  ports: RunPorts,
  snapshot: RunSnapshot,
  terms: RoomTerms,
  windowOf: WindowOf,
): Promise<Room> {
  const { engine } = ports;
  const { model, max_tokens: maxTokens } = snapshot.options;
  const named = model === undefined ? {} : { model };
  const tools = terms.withTools ? ports.tools.specs() : [];
  const count: Counter = (messages) => engine.count({ ...named, messages, tools });
  const onOverflow = contextOverflowOf(snapshot.options) ?? 'compact';
  const { contextSize, input = [], continuesThoughts = false } = await engine.capabilities(model);
  const messages = applyMark(snapshot.messages, snapshot.context);
  const tokensBefore = await count(messages);
  const budget = contextBudget(windowOf(contextSize, tokensBefore), maxTokens, onOverflow);
  const fits = async () => {
    const shown = await withMedia(messages, input, ports.media);
    return { type: 'fits', messages: shown, tools, continuesThoughts } as const;
  };
  if (tokensBefore <= budget.limit) return fits();
  if (onOverflow === 'error') throw answerTooLarge(tokensBefore, budget);

  const summaryTokens = onOverflow === 'compact' ? budget.summaryTokens : 0;
  const found = await findMark(snapshot, { current: tokensBefore, budget, summaryTokens, count });
  if (found.type === 'leave') return fits();
  if (found.type === 'nothing_fits') {
    throw await turnTooLarge(snapshot.messages, found.leastTokens, budget, count);
  }
  await compact(ports, snapshot, { ...terms, budget, tokensBefore, found, count });
  return { type: 'compacted' };
}

interface CompactionTerms extends RoomTerms {
  readonly budget: ContextBudget;
  readonly tokensBefore: number;
  readonly found: Extract<Found, { type: 'mark' }>;
  readonly count: Counter;
}

async function compact(ports: RunPorts, snapshot: RunSnapshot, terms: CompactionTerms): Promise<void> {
  const { found, budget, tokensBefore, count, signal } = terms;
  const pieces = leftOutBetween(snapshot.messages, snapshot.context, found.mark, snapshot.turnStart);
  const source = { earlier: snapshot.context.summary, pieces };
  const outcome =
    found.summaryTokens > 0
      ? await summarise(summaryTerms(ports, snapshot, terms), source)
      : ({ type: 'none' } as const);
  if (signal.aborted) throw new EngineError('cancelled', 'The run was cancelled.');
  const settled = await settle(snapshot, found, outcome, { count, limit: budget.limit });
  await ports.journal.compact({
    mark: settled.mark,
    usage: outcome.type === 'none' ? snapshot.usage : addUsage(snapshot.usage, outcome.usage),
    event: compactionEvent(snapshot, { pieces, outcome, ...settled, tokensBefore, budget }),
  });
}

function summaryTerms(ports: RunPorts, snapshot: RunSnapshot, terms: CompactionTerms) {
  const { sessionId, owner } = snapshot;
  const { model } = snapshot.options;
  const base: Pick<GenerateRequest, 'model' | 'sessionId' | 'owner'> = {
    sessionId,
    owner,
    ...(model === undefined ? {} : { model }),
  };
  const { timeMs, signal, found, budget } = terms;
  return {
    engine: ports.engine,
    pause: ports.pause,
    random: ports.random,
    base,
    budget: { contextSize: budget.contextSize, summaryTokens: found.summaryTokens },
    queued: (position: number) => ports.journal.queued(position),
    signal: timeMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeMs)]),
  };
}

export interface Settled {
  readonly mark: ContextMark;
  readonly tokensAfter: number;
}

/** With the new summary, else the one there was, else none: the first that fits. */
async function settle(
  { messages, context }: RunSnapshot,
  found: Extract<Found, { type: 'mark' }>,
  outcome: SummaryOutcome | { readonly type: 'none' },
  { count, limit }: { readonly count: Counter; readonly limit: number },
): Promise<Settled> {
  const summaries = [
    ...(outcome.type === 'summary' ? [outcome.text] : []),
    ...(found.mark.summary === null ? [context.summary, null] : [found.mark.summary]),
  ];
  let last: Settled | undefined;
  for (const summary of summaries) {
    const mark = { ...found.mark, summary };
    last = { mark, tokensAfter: await count(applyMark(messages, mark)) };
    if (last.tokensAfter <= Math.max(limit, found.tokens)) break;
  }
  return last ?? { mark: found.mark, tokensAfter: found.tokens };
}
