import type { EngineEvent, GenerateRequest } from '../../engine/engine.js';
import { isCouncilEvent } from '../../engine/council-event.js';
import { ReceivedMessageFold } from '../../engine/received-message.js';
import { newId } from '../../ids.js';
import { TokensOfText } from '../../tokens-of-text.js';
import { CallHealer, type Healed } from './call-healer.js';
import { OfferedTools } from './offered-tools.js';
import type { HealedCall } from './settle-calls.js';

/**
 * The same events, with calls of the request's tools that the model wrote as text made into calls. Once the
 * engine makes a call itself, text is text for the rest of the turn. What is held back when the stream breaks,
 * or is cancelled by `abandoned`, is left out: who goes on with the turn goes on before it.
 */
export async function* healCalls(
  events: AsyncIterable<EngineEvent>,
  request: GenerateRequest,
  abandoned: AbortSignal,
): AsyncGenerator<EngineEvent, void, void> {
  const turn = new HealedTurn(request, abandoned);
  for await (const event of events) yield* turn.take(event);
}

class HealedTurn {
  private readonly healer: CallHealer;
  private readonly received = new ReceivedMessageFold();
  /** Undefined: nobody asked for them. */
  private readonly tokens: TokensOfText | undefined;
  private isTextOpen = false;
  private hasHealed = false;
  private isNative = false;
  /** Kept for the end: held text may come after it. */
  private usage: EngineEvent | undefined;

  constructor(
    request: GenerateRequest,
    private readonly abandoned: AbortSignal,
  ) {
    this.tokens = request.topLogprobs === undefined ? undefined : new TokensOfText();
    const mostCalls = request.parallelToolCalls === false ? 1 : Infinity;
    const { forcedTools } = request;
    const tools = request.tools.filter(({ name }) => forcedTools?.includes(name) ?? true);
    this.healer = new CallHealer(new OfferedTools(tools), request.continueFrom?.text ?? '', mostCalls);
  }

  *take(event: EngineEvent): Generator<EngineEvent, void, void> {
    for (const made of this.translate(event)) {
      this.received.add(made);
      yield made;
    }
  }

  private *translate(event: EngineEvent): Generator<EngineEvent, void, void> {
    if (isCouncilEvent(event)) {
      yield event;
      return;
    }
    switch (event.type) {
      case 'text_delta':
        this.tokens?.feed(event.text, event.logprobs ?? []);
        yield* this.isNative ? this.showText(event.text) : this.show(this.healer.push(event.text));
        return;
      case 'content_block_stop':
        if (event.block !== 'text') yield event;
        else if (!this.healer.isHolding) yield* this.closeText();
        return;
      case 'tool_call_start':
        yield* this.giveBack();
        this.isNative = true;
        yield event;
        return;
      case 'reasoning_delta':
        yield* this.giveBack();
        yield event;
        return;
      case 'usage':
        this.usage = event;
        return;
      case 'stop':
        yield* this.stop(event);
        return;
      case 'error':
        yield* this.closeText();
        if (this.usage) yield this.usage;
        yield { ...event, received: this.received.snapshot() };
        return;
      case 'queued':
      case 'fallback':
      case 'raw':
      case 'tool_call_delta':
        yield event;
        return;
      default:
        event satisfies never;
    }
  }

  private *stop(event: Extract<EngineEvent, { type: 'stop' }>): Generator<EngineEvent, void, void> {
    const { reason } = event;
    const isOwnEnd = reason === 'stop' || reason === 'tool_calls';
    if (isOwnEnd) yield* this.show(this.healer.finish());
    else if (!this.abandoned.aborted) yield* this.show(this.healer.giveBack());
    yield* this.closeText();
    if (this.usage) yield this.usage;
    const healedReason = isOwnEnd && this.hasHealed ? 'tool_calls' : reason;
    yield { type: 'stop', reason: healedReason, message: this.received.snapshot() };
  }

  private *giveBack(): Generator<EngineEvent, void, void> {
    yield* this.show(this.healer.giveBack());
    yield* this.closeText();
  }

  private *show(healed: readonly Healed[]): Generator<EngineEvent, void, void> {
    for (const item of healed) {
      if (item.type === 'text') {
        yield* this.showText(item.text);
        continue;
      }
      this.tokens?.pass(item.written.length);
      yield* this.closeText();
      for (const call of item.calls) yield* this.call(call);
      this.hasHealed = true;
    }
  }

  private *call({ name, arguments: json }: HealedCall): Generator<EngineEvent, void, void> {
    const id = newId('call');
    yield { type: 'tool_call_start', id, name };
    yield { type: 'tool_call_delta', id, arguments: json };
    yield { type: 'content_block_stop', block: 'tool_call', id };
  }

  private *showText(text: string): Generator<EngineEvent, void, void> {
    this.isTextOpen = true;
    const logprobs = this.tokens?.pass(text.length);
    yield { type: 'text_delta', text, ...(logprobs && { logprobs }) };
  }

  private *closeText(): Generator<EngineEvent, void, void> {
    if (!this.isTextOpen) return;
    this.isTextOpen = false;
    yield { type: 'content_block_stop', block: 'text' };
  }
}
