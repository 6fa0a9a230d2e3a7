import type { ChosenToken } from '../../token-logprobs.js';
import type { EngineEvent, EngineStopReason } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { CallTracker, GrowingCall } from './call-tracker.js';
import type { ChatChunk } from './chat-chunk.js';
import { errorInAnswer } from './upstream-error.js';

interface Said {
  readonly kind: 'text' | 'reasoning';
  readonly text: string;
  readonly logprobs: readonly ChosenToken[];
}

type Block =
  | { readonly kind: 'none' }
  | { readonly kind: 'text' | 'reasoning' }
  | { readonly kind: 'call'; readonly call: GrowingCall };

/** How the stream came to its end: by `[DONE]`, or because the connection was closed. */
export type StreamEnd = 'done' | 'closed';

/**
 * Turns chunks into blocks that never overlap: a call, a text or a piece of reasoning that begins while a
 * call is unfinished waits for its end. Throws EngineError where the answer breaks.
 */
export class TurnReader {
  private block: Block = { kind: 'none' };
  private readonly calls: CallTracker;
  private readonly seen = new Set<GrowingCall>();
  private readonly waiting: (Said | GrowingCall)[] = [];
  private anyText: boolean;
  private answered = false;
  private finishReason: string | undefined;

  constructor(
    newCallId: () => string,
    /** `afterText`: the turn goes on from text, so leading spaces belong to it. `calls`: more are left out. */
    private readonly terms: { readonly afterText: boolean; readonly calls: 'any' | 'one' },
  ) {
    this.calls = new CallTracker(newCallId);
    this.anyText = terms.afterText;
  }

  /** The model has ended its turn; at most figures are to come. */
  get finished(): boolean {
    return this.finishReason !== undefined;
  }

  read(chunk: ChatChunk): EngineEvent[] {
    if (chunk.error !== undefined) throw errorInAnswer(chunk.error, 'stream');
    this.answered ||= chunk.answers;
    const { logprobs } = chunk;
    const events = [
      ...this.say({ kind: 'reasoning', text: chunk.reasoning, logprobs: chunk.text === '' ? logprobs : [] }),
      ...this.say({ kind: 'text', text: chunk.text, logprobs }),
      ...chunk.calls.flatMap((piece) => {
        const call = this.calls.callOf(piece);
        const added = call.add(piece.arguments);
        return this.terms.calls === 'one' && call !== this.calls.first ? [] : this.grow(call, added);
      }),
    ];
    this.finishReason = chunk.finishReason ?? this.finishReason;
    return events;
  }

  /** Text that was held back until now. */
  rest(text: string, logprobs: readonly ChosenToken[] = []): EngineEvent[] {
    return this.say({ kind: 'text', text, logprobs });
  }

  /** Closes what is open and tells why the turn ended. */
  end(end: StreamEnd): { readonly events: EngineEvent[]; readonly reason: EngineStopReason } {
    if (!this.answered) throw new EngineError('provider', 'The server sent no part of an answer.');
    switch (this.finishReason) {
      case 'content_filter':
        throw new EngineError('content_filtered', "The server's filter ended the answer.");
      case 'error':
        throw new EngineError('stream_interrupted', 'The server ended the answer with an error.', {
          interruption: 'provider_5xx_mid_stream',
        });
      case 'length':
        // A call without its end was never made.
        return { events: this.callGrows ? [] : this.closeAll(), reason: 'length' };
      case undefined:
        if (end === 'closed') {
          throw new EngineError('stream_interrupted', 'The connection ended in the middle of the answer.', {
            interruption: 'connection_reset',
          });
        }
        break;
      default:
        break;
    }
    const events = this.closeAll();
    // Some servers say `stop` where they made calls.
    return { events, reason: this.calls.first ? 'tool_calls' : 'stop' };
  }

  private say({ kind, text: given, logprobs }: Said): EngineEvent[] {
    const text = kind === 'text' && !this.anyText ? given.trimStart() : given;
    if (text === '' || (this.callGrows && text.trim() === '')) return [];
    this.waiting.push({ kind, text, logprobs });
    return this.advance();
  }

  private grow(call: GrowingCall, added: string): EngineEvent[] {
    if (this.block.kind === 'call' && this.block.call === call) {
      return added === '' ? [] : [{ type: 'tool_call_delta', id: call.id, arguments: added }];
    }
    if (!this.seen.has(call)) {
      this.seen.add(call);
      this.waiting.push(call);
    }
    return this.advance();
  }

  private get callGrows(): boolean {
    return this.block.kind === 'call' && !this.block.call.complete;
  }

  private advance(): EngineEvent[] {
    const events: EngineEvent[] = [];
    while (!this.callGrows) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      events.push(...this.open(next));
    }
    return events;
  }

  private open(next: Said | GrowingCall): EngineEvent[] {
    return next instanceof GrowingCall ? this.openCall(next) : this.openSaid(next);
  }

  private openSaid({ kind, text, logprobs }: Said): EngineEvent[] {
    if (kind === 'text') this.anyText = true;
    const closing = this.block.kind === kind ? [] : this.close();
    this.block = { kind };
    const type = kind === 'text' ? 'text_delta' : 'reasoning_delta';
    return [...closing, { type, text, ...(logprobs.length === 0 ? {} : { logprobs }) }];
  }

  private openCall(call: GrowingCall): EngineEvent[] {
    const closing = this.close();
    this.block = { kind: 'call', call };
    const begun: EngineEvent[] = [{ type: 'tool_call_start', id: call.id, name: call.name }];
    if (call.arguments !== '')
      begun.push({ type: 'tool_call_delta', id: call.id, arguments: call.arguments });
    return [...closing, ...begun];
  }

  private closeAll(): EngineEvent[] {
    const waited = this.waiting.splice(0).flatMap((next) => this.open(next));
    return [...waited, ...this.close()];
  }

  private close(): EngineEvent[] {
    const { block } = this;
    this.block = { kind: 'none' };
    switch (block.kind) {
      case 'none':
        return [];
      case 'call':
        return closedCall(block.call);
      case 'text':
      case 'reasoning':
        return [{ type: 'content_block_stop', block: block.kind }];
      default:
        return block satisfies never;
    }
  }
}

/** A tool without parameters is often called with nothing at all. */
function closedCall(call: GrowingCall): EngineEvent[] {
  const stop: EngineEvent = { type: 'content_block_stop', block: 'tool_call', id: call.id };
  return call.arguments === '' ? [{ type: 'tool_call_delta', id: call.id, arguments: '{}' }, stop] : [stop];
}
