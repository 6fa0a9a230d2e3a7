import type { AssistantPrefix, TurnEvent } from '../engine/engine.js';
import type { ChunkLogprobs, PayloadOf } from '../events/event.js';
import type { ChosenToken, RawToken } from '../token-logprobs.js';
import { isCompleteObject } from './partial-turn.js';
import type { PartialTurn } from './snapshot.js';

type Chunk = PayloadOf<'chunk'>;
type Delta = Chunk['choices'][number]['delta'];

interface RecordedCall {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

/**
 * Builds the turn while it streams and makes the chunks that the log keeps, each with the absolute
 * offset of its text. Starts on the prefix that an earlier attempt committed.
 */
export class TurnRecorder {
  text: string;
  reasoning: string;
  readonly calls: RecordedCall[] = [];
  private rawTokens = 0;
  private opened: boolean;

  constructor(
    readonly round: number,
    readonly attempt: number,
    prefix: AssistantPrefix | undefined,
  ) {
    this.text = prefix?.text ?? '';
    this.reasoning = prefix?.reasoning ?? '';
    this.opened = prefix !== undefined;
  }

  /** As an attempt after this one will find it. */
  get partial(): PartialTurn {
    const { text, reasoning } = this;
    const calls = this.calls.map((call) => ({ ...call, complete: isCompleteObject(call.arguments) }));
    return { text, reasoning, calls };
  }

  /** Undefined where there is nothing to write down. */
  add(event: TurnEvent): Chunk | undefined {
    switch (event.type) {
      case 'text_delta':
        return this.addText(event.text, event.logprobs);
      case 'reasoning_delta':
        return this.addReasoning(event.text, event.logprobs);
      case 'tool_call_start':
        return this.startCall(event.id, event.name);
      case 'tool_call_delta':
        return this.addArguments(event.id, event.arguments);
      case 'content_block_stop':
        return undefined;
      default:
        return event satisfies never;
    }
  }

  addText(text: string, logprobs?: readonly ChosenToken[]): Chunk {
    const offset = this.text.length;
    this.text += text;
    return this.chunk(offset, { content: text }, logprobs && { content: [...logprobs] });
  }

  addReasoning(text: string, logprobs?: readonly ChosenToken[]): Chunk {
    const offset = this.reasoning.length;
    this.reasoning += text;
    return this.chunk(offset, { reasoning_content: text }, logprobs && { reasoning_content: [...logprobs] });
  }

  addRaw(tokens: readonly RawToken[]): PayloadOf<'raw'> {
    const index = this.rawTokens;
    this.rawTokens += tokens.length;
    return { type: 'raw', round: this.round, attempt: this.attempt, index, tokens: [...tokens] };
  }

  startCall(id: string, name: string): Chunk {
    const index = this.calls.push({ id, name, arguments: '' }) - 1;
    return this.chunk(0, {
      tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
    });
  }

  /** Undefined for a call that was never started. */
  addArguments(id: string, text: string): Chunk | undefined {
    const index = this.calls.findIndex((call) => call.id === id);
    const call = this.calls[index];
    if (!call) return undefined;
    const offset = call.arguments.length;
    call.arguments += text;
    return this.chunk(offset, { tool_calls: [{ index, function: { arguments: text } }] });
  }

  private chunk(offset: number, delta: Delta, logprobs?: ChunkLogprobs): Chunk {
    const role = this.opened ? {} : ({ role: 'assistant' } as const);
    this.opened = true;
    return {
      type: 'chunk',
      round: this.round,
      attempt: this.attempt,
      offset,
      choices: [
        { index: 0, delta: { ...role, ...delta }, ...(logprobs && { logprobs }), finish_reason: null },
      ],
    };
  }
}
