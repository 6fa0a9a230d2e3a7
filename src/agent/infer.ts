import type { EngineEvent, EngineStopReason, GenerateRequest, Usage } from '../engine/engine.js';
import { EngineError, type InterruptionCause } from '../engine/engine-error.js';
import { isCouncil } from '../engine/council-name.js';
import { makeMoreRoom, makeRoom } from './context/make-room.js';
import { CouncilRecorder } from './council-recorder.js';
import { healCalls } from './healing/heal-calls.js';
import type { InferenceNotice, RunPorts } from './ports.js';
import { hasProgressed, planRecovery, planRestart } from './recovery-plan.js';
import type { RunSnapshot } from './snapshot.js';
import { guardStalls, STALL_LIMITS } from '../engine/stall-guard.js';
import { toRequest } from './to-request.js';
import { TurnRecorder } from './turn-recorder.js';
import { addUsage, NO_USAGE } from '../engine/usage.js';

export interface InferenceTerms {
  readonly withTools: boolean;
  /** Why the attempt before this one ended, if there was one. */
  readonly cause: InterruptionCause;
  /** The turn is cut after this long and counts as it is; undefined: no bound. */
  readonly timeMs: number | undefined;
  readonly signal: AbortSignal;
}

/** Why an attempt broke, and whether the next one starts further on than it did. */
export interface InferenceFailure {
  readonly error: EngineError;
  readonly progressed: boolean;
}

/**
 * One attempt of a round's inference, from what an interrupted one left. Streams into the journal and
 * commits the turn, or only a shorter context where the conversation had outgrown the window. A failure is returned;
 * what had been received by then is in the journal.
 */
export async function infer(
  ports: RunPorts,
  snapshot: RunSnapshot,
  terms: InferenceTerms,
): Promise<InferenceFailure | undefined> {
  const { journal } = ports;
  const planFrom = canGoOn(snapshot) ? planRecovery : planRestart;
  const plan = planFrom(snapshot.partial);
  if (plan.type === 'synthesize_tool_use') {
    await journal.beginAttempt(snapshot, plan, terms.cause);
    const { text, reasoning, calls } = plan;
    await journal.commitTurn(snapshot, {
      text,
      reasoning,
      calls,
      finishReason: 'tool_calls',
      usage: snapshot.usage,
    });
    return undefined;
  }
  const room = await makeRoom(ports, snapshot, terms);
  if (room.type === 'failed') return { error: room.error, progressed: false };
  if (room.type === 'compacted') return undefined;
  if (snapshot.partial) await journal.beginAttempt(snapshot, plan, terms.cause);
  const prefix = plan.type === 'whole_restart' ? undefined : { text: plan.text, reasoning: plan.reasoning };
  const attempt = snapshot.attempt + (snapshot.partial ? 1 : 0);
  const recorder = new TurnRecorder(snapshot.round, attempt, prefix);
  const startLength = recorder.text.length + recorder.reasoning.length;
  const request = toRequest(snapshot, room.messages, room.tools, prefix);
  const outcome = await attemptTurn(ports, snapshot, terms, recorder, request);
  await journal.drain();
  if (outcome.type === 'error') {
    if (outcome.usage !== NO_USAGE) await journal.spend(addUsage(snapshot.usage, outcome.usage));
    const { continuesThoughts } = room;
    const progressed = hasProgressed({ before: plan, after: planFrom(recorder.partial), continuesThoughts });
    const failure = { error: outcome.error, progressed };
    const hasAnswered =
      recorder.calls.length > 0 || recorder.text.length + recorder.reasoning.length > startLength;
    return hasAnswered ? failure : withMoreRoom(ports, snapshot, terms, failure);
  }
  const cut = outcome.reason === 'cancelled' || outcome.reason === 'length';
  const calls = cut ? [] : recorder.calls;
  await journal.commitTurn(snapshot, {
    text: recorder.text,
    reasoning: recorder.reasoning,
    calls,
    finishReason: calls.length > 0 ? 'tool_calls' : cut ? 'length' : 'stop',
    usage: addUsage(snapshot.usage, outcome.usage),
    ...(outcome.model === undefined ? {} : { model: outcome.model }),
  });
  return undefined;
}

/** Of an attempt without an answer. Undefined where the conversation was shortened for an engine that found it too long. */
async function withMoreRoom(
  ports: RunPorts,
  snapshot: RunSnapshot,
  terms: InferenceTerms,
  failure: InferenceFailure,
): Promise<InferenceFailure | undefined> {
  if (failure.error.code !== 'context_overflow') return failure;
  const room = await makeMoreRoom(ports, snapshot, terms);
  return room.type === 'compacted' ? undefined : failure;
}

/**
 * Not JSON held to a grammar, which starts at its beginning; nor a council's turn, of which nobody knows whose it was:
 * its experts are asked again.
 */
function canGoOn({ options }: RunSnapshot): boolean {
  return (options.response_format?.type ?? 'text') === 'text' && !isCouncil(options.model);
}

async function attemptTurn(
  ports: RunPorts,
  snapshot: RunSnapshot,
  { timeMs, signal }: InferenceTerms,
  recorder: TurnRecorder,
  request: GenerateRequest,
): Promise<StreamOutcome> {
  const bounded = timeMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeMs)]);
  const start = (stop: AbortSignal) => ports.engine.generate(request, stop);
  const events = guardStalls(start, bounded, STALL_LIMITS);
  const heals = request.tools.length > 0 && snapshot.options.auto_heal_tool_calls !== false;
  const outcome = await record(ports, heals ? healCalls(events, request, signal) : events, recorder);
  if (outcome.type === 'error' || outcome.reason !== 'cancelled' || !signal.aborted) return outcome;
  const error = new EngineError('cancelled', 'The run was cancelled.');
  return { type: 'error', error, usage: outcome.usage };
}

/** `model`: who answered in place of the one that was asked. */
type StreamOutcome =
  | {
      readonly type: 'stop';
      readonly reason: EngineStopReason;
      readonly usage: Usage;
      readonly model: string | undefined;
    }
  | { readonly type: 'error'; readonly error: EngineError; readonly usage: Usage };

async function record(
  { journal }: RunPorts,
  events: AsyncIterable<EngineEvent>,
  recorder: TurnRecorder,
): Promise<StreamOutcome> {
  let usage = NO_USAGE;
  let model: string | undefined;
  const council = new CouncilRecorder(recorder.round, recorder.attempt);
  for await (const event of events) {
    switch (event.type) {
      case 'queued':
        await journal.queued(event.position);
        break;
      case 'raw':
        await journal.write(recorder.addRaw(event.tokens));
        break;
      case 'text_delta':
      case 'reasoning_delta':
      case 'tool_call_start':
      case 'tool_call_delta':
      case 'content_block_stop': {
        const chunk = recorder.add(event);
        if (chunk) await journal.write(chunk);
        break;
      }
      case 'council_started':
      case 'expert_delta':
      case 'expert_done':
      case 'council_decided':
        await council.record(journal, event);
        break;
      case 'fallback':
        model = event.model;
        await journal.tell(fallbackNotice(recorder, event));
        break;
      case 'usage':
        usage = event.usage;
        break;
      case 'stop':
        return { type: 'stop', reason: event.reason, usage, model };
      case 'error':
        return { type: 'error', error: event.error, usage };
      default:
        return event satisfies never;
    }
  }
  return {
    type: 'error',
    error: new EngineError('provider', 'The engine ended its stream without saying how.'),
    usage,
  };
}

function fallbackNotice(
  { round, attempt }: TurnRecorder,
  { model, passedOver }: Extract<EngineEvent, { type: 'fallback' }>,
): InferenceNotice {
  const passed_over = passedOver.map(({ name, why }) => ({ model: name, message: why }));
  return { type: 'model_fallback', round, attempt, model, passed_over };
}
