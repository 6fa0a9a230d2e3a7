import type {
  ChatMessage,
  Engine,
  GenerateRequest,
  ReceivedMessage,
  ToolCallRequest,
  ToolSpec,
} from '../../../src/engine/engine.js';
import { contextBudget } from '../../../src/agent/context/budget.js';
import { applyMark, type ContextMark, WHOLE_CONTEXT } from '../../../src/agent/context/context-mark.js';
import { findMark } from '../../../src/agent/context/find-mark.js';

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
  private mark: ContextMark;

  constructor(
    private readonly engine: Engine,
    private readonly id: string,
    private readonly tools: readonly ToolSpec[],
    private readonly thinking: boolean,
    system: string | null,
  ) {
    this.mark = { ...WHOLE_CONTEXT, from: system === null ? 0 : 1 };
    if (system !== null) this.messages.push({ role: 'system', content: system });
  }

  ask(content: string): void {
    this.messages.push({ role: 'user', content });
  }

  /** The model's next message, which is then a part of the conversation. Rejects with an EngineError. */
  async next(): Promise<MadeRound> {
    const request: GenerateRequest = {
      sessionId: this.id,
      messages: await this.shown(),
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

  /** As a run with `context_overflow: "truncate"` would show it. */
  private async shown(): Promise<readonly ChatMessage[]> {
    const { contextSize } = await this.engine.capabilities();
    const budget = contextBudget(contextSize, undefined, 'truncate');
    const count = (messages: readonly ChatMessage[]) => this.engine.count({ messages, tools: this.tools });
    const current = await count(applyMark(this.messages, this.mark));
    if (current > budget.limit) {
      const turnStart = this.messages.findLastIndex((message) => message.role === 'user');
      const conversation = { messages: this.messages, context: this.mark, turnStart };
      const found = await findMark(conversation, { current, budget, summaryTokens: 0, count });
      if (found.type === 'mark') this.mark = found.mark;
    }
    return applyMark(this.messages, this.mark);
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
