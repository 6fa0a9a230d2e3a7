import type { GantryEvent, PayloadOf } from '../../events/event.js';
import type { ChosenToken } from '../../token-logprobs.js';
import { choiceLogprobs } from './answer-tokens.js';
import { type CompletionFailure, failure, failureOf } from './completion-failure.js';
import { StreamedCalls } from './streamed-calls.js';
import { StreamedText } from './streamed-text.js';

/** What stays the same in all chunks of one completion. */
export interface CompletionTerms {
  readonly runId: string;
  readonly sessionId: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly includeUsage: boolean;
  /** Whether a call of this name is the client's to execute. */
  readonly isClientTool: (name: string) => boolean;
  /** Tool progress, approvals and files as named events, which are no chunks: only for who asked for tools. */
  readonly showsEvents: boolean;
}

export type CompletionItem =
  | { readonly type: 'chunk'; readonly seq: number; readonly data: object }
  | { readonly type: 'event'; readonly name: string; readonly seq: number; readonly data: object }
  | { readonly type: 'failure'; readonly failure: CompletionFailure };

const SHOWN = new Set<GantryEvent['type']>([
  'agentic_tool_call_progress',
  'agentic_tool_output',
  'agentic_tool_approval_required',
  'agentic_tool_approval_resolved',
  'context_compacted',
  'inference_retry',
  'model_fallback',
  'council_started',
  'expert_chunk',
  'council_decided',
]);

/**
 * A run's events as the chunks of one streamed completion. Rounds follow each other as one text; calls that the
 * server executes are no part of it. What was said cannot be taken back in this protocol: where a recovery would have
 * to, the completion fails.
 */
export class CompletionStream {
  private readonly text = new StreamedText();
  private readonly calls: StreamedCalls;
  private opened = false;
  /** Nothing follows. */
  ended = false;
  /** The run itself may have more to say than this stream can. */
  isRunOver = false;

  constructor(private readonly terms: CompletionTerms) {
    this.calls = new StreamedCalls(terms.isClientTool);
  }

  add(event: GantryEvent): CompletionItem[] {
    switch (event.type) {
      case 'chunk':
        return this.addChunk(event);
      case 'stream_reset':
        return this.text.canResume(event) ? [] : this.fail();
      case 'tool_call_cancelled':
        return this.calls.wasSent(event.tool_call_id) ? this.fail() : [];
      case 'file':
        return this.named('file_produced', event, event.file);
      case 'expert_done':
        return this.named(event.type, event, expertDone(event));
      case 'done':
        return this.finish(event);
      default:
        return SHOWN.has(event.type) ? this.named(event.type, event, payloadOf(event)) : this.failed(event);
    }
  }

  private addChunk(event: GantryEvent & PayloadOf<'chunk'>): CompletionItem[] {
    return event.choices.flatMap(({ delta, logprobs }) => [
      ...this.deltas(event.seq, this.text.add(event, delta), logprobs?.content),
      ...this.deltas(event.seq, this.calls.add(event, delta)),
    ]);
  }

  private finish(event: GantryEvent & PayloadOf<'done'>): CompletionItem[] {
    this.ended = true;
    this.isRunOver = true;
    const { response } = event;
    const last = this.deltas(event.seq, this.calls.end());
    const finish = {
      ...this.chunk(this.opened ? {} : { role: 'assistant', content: '' }, finishReason(response)),
      session_id: this.terms.sessionId,
      stop_reason: response.stop_reason,
    };
    const usage = { ...this.chunk({}), choices: [], usage: response.usage };
    return [
      ...last,
      { type: 'chunk', seq: event.seq, data: finish },
      ...(this.terms.includeUsage ? [{ type: 'chunk' as const, seq: event.seq, data: usage }] : []),
    ];
  }

  private failed(event: GantryEvent): CompletionItem[] {
    const found = failureOf(event);
    if (found === undefined) return [];
    this.ended = true;
    this.isRunOver = true;
    return [{ type: 'failure', failure: found }];
  }

  private fail(): CompletionItem[] {
    this.ended = true;
    const message =
      'The model was interrupted and its answer begun anew, which a stream cannot show; send the request again.';
    return [{ type: 'failure', failure: failure(502, message, 'stream_interrupted') }];
  }

  /** `tokens`: those of the content in them. */
  private deltas(
    seq: number,
    deltas: readonly object[],
    tokens: readonly ChosenToken[] = [],
  ): CompletionItem[] {
    return deltas.map((delta) => {
      const role = this.opened ? {} : { role: 'assistant' };
      this.opened = true;
      return {
        type: 'chunk',
        seq,
        data: this.chunk({ ...role, ...delta }, null, 'content' in delta ? tokens : []),
      };
    });
  }

  private chunk(delta: object, reason: string | null = null, tokens: readonly ChosenToken[] = []): object {
    const { runId: id, created, model } = this.terms;
    const choice = { index: 0, delta, logprobs: choiceLogprobs(tokens), finish_reason: reason };
    return { id, object: 'chat.completion.chunk', created, model, choices: [choice] };
  }

  /** OpenAI's clients take each event for a chunk, whatever its name: this one has no choice to read. */
  private named(name: string, { seq }: GantryEvent, data: object): CompletionItem[] {
    return this.terms.showsEvents ? [{ type: 'event', name, seq, data: { ...data, choices: [] } }] : [];
  }
}

/** OpenAI's words; what a run has beyond them is in `stop_reason`. */
export function finishReason(response: PayloadOf<'done'>['response']): 'stop' | 'length' | 'tool_calls' {
  if (response.stop_reason === 'tool_calls') return 'tool_calls';
  return response.choices[0]?.finish_reason === 'length' ? 'length' : 'stop';
}

/** In a chunk `error` would be the end of the stream, and `usage` that of the completion. */
function expertDone(event: GantryEvent & PayloadOf<'expert_done'>): object {
  const { error, usage, ...told } = payloadOf(event);
  return { ...told, failure: error, expert_usage: usage };
}

function payloadOf<Event extends GantryEvent>({ seq: _seq, ts: _ts, run_id: _runId, ...payload }: Event) {
  return payload;
}
