import type { LlamaChatResponseChunk, LlamaChatResponseFunctionCallParamsChunk } from 'node-llama-cpp';
import type { ChosenToken } from '../../../token-logprobs.js';
import type { HostEvent } from '../protocol.js';

type Block =
  | { readonly kind: 'none' }
  | { readonly kind: 'text' | 'reasoning' }
  | { readonly kind: 'call'; readonly id: string; readonly index: number };

/**
 * Turns what the library reports into blocks: each block is opened by its first delta (a call by
 * its name) and closed before the next one opens.
 */
export class TurnRecorder {
  private block: Block = { kind: 'none' };
  private anyText: boolean;
  private heldArguments = '';
  private sawArguments = false;
  private finishedCalls = 0;

  constructor(
    private readonly emit: (event: HostEvent) => void,
    private readonly newCallId: () => string,
    /** True when the turn goes on from text: then leading spaces belong to it. */
    continues: { readonly text: boolean },
  ) {
    this.anyText = continues.text;
  }

  /** `logprobs`: those of the chunk's tokens, where they are asked for. */
  chunk(chunk: LlamaChatResponseChunk, logprobs?: ChosenToken[]): void {
    const kind = chunk.type === 'segment' ? 'reasoning' : 'text';
    const text = kind === 'text' && !this.anyText ? chunk.text.trimStart() : chunk.text;
    if (text === '') return;
    if (kind === 'text') this.anyText = true;
    if (this.block.kind !== kind) {
      this.close();
      this.block = { kind };
    }
    const type = kind === 'text' ? 'text_delta' : 'reasoning_delta';
    this.emit({ type, text, ...(logprobs && { logprobs }) });
  }

  argumentsChunk(chunk: LlamaChatResponseFunctionCallParamsChunk): void {
    const id = this.openCall(chunk.callIndex, chunk.functionName);
    // The library forces newlines after the arguments to find their end; they are no part of them.
    const text = this.heldArguments + chunk.paramsChunk;
    const settled = text.trimEnd();
    this.heldArguments = text.slice(settled.length);
    if (settled === '') return;
    this.sawArguments = true;
    this.emit({ type: 'tool_call_delta', id, arguments: settled });
  }

  callDone(name: string, params: unknown): void {
    const id = this.openCall(this.finishedCalls, name);
    if (!this.sawArguments) {
      this.emit({ type: 'tool_call_delta', id, arguments: JSON.stringify(params ?? {}) });
    }
    this.finishedCalls += 1;
    this.close();
  }

  /** Closes what is open, unless it is a call: a call without its end was never made. */
  end(): void {
    if (this.block.kind !== 'call') this.close();
  }

  get anythingReceived(): boolean {
    return this.block.kind !== 'none' || this.finishedCalls > 0;
  }

  private openCall(index: number, name: string): string {
    if (this.block.kind === 'call' && this.block.index === index) return this.block.id;
    this.close();
    const id = this.newCallId();
    this.block = { kind: 'call', id, index };
    this.heldArguments = '';
    this.sawArguments = false;
    this.emit({ type: 'tool_call_start', id, name });
    return id;
  }

  private close(): void {
    const { block } = this;
    this.block = { kind: 'none' };
    switch (block.kind) {
      case 'none':
        return;
      case 'call':
        this.emit({ type: 'content_block_stop', block: 'tool_call', id: block.id });
        return;
      case 'text':
      case 'reasoning':
        this.emit({ type: 'content_block_stop', block: block.kind });
        return;
      default:
        block satisfies never;
    }
  }
}
