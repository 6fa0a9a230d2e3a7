import type { EngineStopReason, GenerateRequest, SamplingOptions, Usage } from '../engine/engine.js';
import { EngineError, type InterruptionCause } from '../engine/engine-error.js';
import type { RunOptions } from '../runs/run-request.js';
import { fitToContext } from './context-window.js';
import type { RunPorts } from './ports.js';
import { planRecovery } from './recovery-plan.js';
import type { RunSnapshot } from './snapshot.js';
import { TurnRecorder } from './turn-recorder.js';
import { addUsage, NO_USAGE } from './usage.js';

/**
 * One attempt of a round's inference, from what an interrupted one left. Streams into the journal and
 * commits the turn. `cause` says why that one ended. A failure is returned; what had been received by then is in the journal.
 */
export async function infer(
  ports: RunPorts,
  snapshot: RunSnapshot,
  withTools: boolean,
  cause: InterruptionCause,
  signal: AbortSignal,
): Promise<EngineError | undefined> {
  const { journal } = ports;
  const plan = planRecovery(snapshot.partial);
  if (snapshot.partial) await journal.beginAttempt(snapshot, plan, cause);
  if (plan.type === 'synthesize_tool_use') {
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
  const prefix = plan.type === 'whole_restart' ? undefined : { text: plan.text, reasoning: plan.reasoning };
  const attempt = snapshot.attempt + (snapshot.partial ? 1 : 0);
  const recorder = new TurnRecorder(snapshot.round, attempt, prefix);
  let request: GenerateRequest;
  try {
    request = await toRequest(ports, snapshot, withTools, prefix);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  const outcome = await stream(ports, request, recorder, signal);
  await journal.drain();
  if (outcome.type === 'error') return outcome.error;
  if (outcome.reason === 'cancelled') return new EngineError('cancelled', 'The run was cancelled.');
  await journal.commitTurn(snapshot, {
    text: recorder.text,
    reasoning: recorder.reasoning,
    calls: recorder.calls,
    finishReason: recorder.calls.length > 0 ? 'tool_calls' : outcome.reason === 'length' ? 'length' : 'stop',
    usage: addUsage(snapshot.usage, outcome.usage),
  });
  return undefined;
}

type StreamOutcome =
  | { readonly type: 'stop'; readonly reason: EngineStopReason; readonly usage: Usage }
  | { readonly type: 'error'; readonly error: EngineError };

async function stream(
  ports: RunPorts,
  request: GenerateRequest,
  recorder: TurnRecorder,
  signal: AbortSignal,
): Promise<StreamOutcome> {
  const { journal } = ports;
  let usage = NO_USAGE;
  for await (const event of ports.engine.generate(request, signal)) {
    switch (event.type) {
      case 'queued':
        await journal.queued(event.position);
        break;
      case 'text_delta':
        await journal.write(recorder.addText(event.text));
        break;
      case 'reasoning_delta':
        await journal.write(recorder.addReasoning(event.text));
        break;
      case 'tool_call_start':
        await journal.write(recorder.startCall(event.id, event.name));
        break;
      case 'tool_call_delta': {
        const chunk = recorder.addArguments(event.id, event.arguments);
        if (chunk) await journal.write(chunk);
        break;
      }
      case 'content_block_stop':
        break;
      case 'usage':
        usage = event.usage;
        break;
      case 'stop':
        return { type: 'stop', reason: event.reason, usage };
      case 'error':
        return { type: 'error', error: event.error };
      default:
        return event satisfies never;
    }
  }
  return {
    type: 'error',
    error: new EngineError('provider', 'The engine ended its stream without saying how.'),
  };
}

async function toRequest(
  ports: RunPorts,
  snapshot: RunSnapshot,
  withTools: boolean,
  continueFrom: GenerateRequest['continueFrom'],
): Promise<GenerateRequest> {
  const tools = withTools ? ports.tools.specs() : [];
  const messages = await fitToContext(ports.engine, snapshot.messages, tools);
  const { model, enable_thinking: enableThinking } = snapshot.options;
  return {
    sessionId: snapshot.sessionId,
    messages,
    tools,
    sampling: toSampling(snapshot.options),
    ...(model === undefined ? {} : { model }),
    ...(enableThinking === undefined ? {} : { enableThinking }),
    ...(continueFrom === undefined ? {} : { continueFrom }),
  };
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
    maxTokens: options.max_tokens,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
