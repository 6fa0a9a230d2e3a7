import type { EngineEvent, ReceivedMessage, ToolCallRequest } from './engine.js';

interface CallInProgress {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

/**
 * Folds the events of one generation into what has been received so far. Every engine keeps
 * one, so that an end of any kind (also the death of a process) carries the same snapshot.
 */
export class ReceivedMessageFold {
  private text = '';
  private reasoning = '';
  private readonly complete: ToolCallRequest[] = [];
  private inFlight: CallInProgress | undefined;

  add(event: EngineEvent): void {
    switch (event.type) {
      case 'text_delta':
        this.text += event.text;
        return;
      case 'reasoning_delta':
        this.reasoning += event.text;
        return;
      case 'tool_call_start':
        this.inFlight = { id: event.id, name: event.name, arguments: '' };
        return;
      case 'tool_call_delta':
        if (this.inFlight?.id === event.id) this.inFlight.arguments += event.arguments;
        return;
      case 'content_block_stop':
        if (event.block === 'tool_call') this.completeCall();
        return;
      case 'queued':
      case 'fallback':
      case 'raw':
      case 'council_started':
      case 'expert_delta':
      case 'expert_done':
      case 'council_decided':
      case 'usage':
      case 'stop':
      case 'error':
        return;
      default:
        event satisfies never;
    }
  }

  snapshot(): ReceivedMessage {
    return {
      text: this.text,
      reasoning: this.reasoning,
      completeCalls: [...this.complete],
      ...(this.inFlight === undefined ? {} : { callInFlight: { ...this.inFlight } }),
    };
  }

  private completeCall(): void {
    if (this.inFlight === undefined) return;
    this.complete.push({ ...this.inFlight });
    this.inFlight = undefined;
  }
}
