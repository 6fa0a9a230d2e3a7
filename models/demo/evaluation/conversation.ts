import type {
  ChatMessage,
  Engine,
  GenerateRequest,
  ReceivedMessage,
  ToolCallRequest,
  ToolSpec,
} from '../../../src/engine/engine.js';
import { fitToContext } from '../../../src/agent/context-window.js';

export const MAX_ROUNDS = 6;
const MAX_TOKENS = 700;

export interface MadeRound {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly ToolCallRequest[];
  readonly completionTokens: number;
}

/** A dialogue as it grows, spoken with the engine that the product uses, greedily. */
export class Conversation {
  readonly messages: ChatMessage[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly id: string,
    private readonly tools: readonly ToolSpec[],
    private readonly thinking: boolean,
    system: string | null,
  ) {
    if (system !== null) this.messages.push({ role: 'system', content: system });
  }

  ask(content: string): void {
    this.messages.push({ role: 'user', content });
  }

  /** The model's next message, which is then a part of the conversation. Rejects with an EngineError. */
  async next(): Promise<MadeRound> {
    const request: GenerateRequest = {
      sessionId: this.id,
      messages: await fitToContext(this.engine, this.messages, this.tools),
      tools: this.tools,
      sampling: { temperature: 0, maxTokens: MAX_TOKENS },
      enableThinking: this.thinking,
    };
    let completionTokens = 0;
    let message: ReceivedMessage | undefined;
    for await (const event of this.engine.generate(request, new AbortController().signal)) {
      if (event.type === 'error') throw event.error;
      if (event.type === 'usage') completionTokens = event.usage.completion_tokens;
      if (event.type === 'stop') message = event.message;
    }
    if (!message) throw new Error('The engine ended without a stop.');
    const { text, reasoning, completeCalls } = message;
    this.say(text, reasoning, completeCalls);
    return { text, reasoning, calls: completeCalls, completionTokens };
  }

  say(content: string, reasoning: string, toolCalls: readonly ToolCallRequest[]): void {
    this.messages.push({ role: 'assistant', content, ...(reasoning === '' ? {} : { reasoning }), toolCalls });
  }

  /** Takes back what the model said last, to go on from what it should have said. */
  takeBack(): void {
    this.messages.pop();
  }

  result(call: Pick<ToolCallRequest, 'id' | 'name'>, content: string): void {
    this.messages.push({ role: 'tool', toolCallId: call.id, name: call.name, content });
  }
}
