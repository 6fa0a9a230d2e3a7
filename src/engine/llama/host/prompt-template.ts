import type { Template } from '@huggingface/jinja';
import { LlamaText, SpecialToken, type LlamaModel } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import type { HostMessage, HostTool } from '../protocol.js';
import { type CallSyntax, familySyntax, HERMES, toolOffer } from './call-syntax.js';
import { compileTemplate } from './compile-template.js';
import { fitMessages } from './fit-messages.js';
import { Markup } from './markup.js';
import { learnManners, type TemplateManners, whyUnusable } from './template-manners.js';
import { TookTooLong, withinTime } from './within-time.js';

export interface PromptRequest {
  readonly messages: readonly HostMessage[];
  readonly tools: readonly HostTool[];
  readonly enableThinking?: boolean | undefined;
}

/** Used when a model brings no template of its own. */
const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** A long conversation takes some 50 ms. */
const LONGEST_RENDERING_MS = 2000;

/** Nothing can be said to a model of this template. */
export class TemplateUnusable extends Error {
  constructor(why: string) {
    super(`The model's chat template cannot be used: ${why}.`);
  }
}

/**
 * The prompt exactly as the model's own Jinja template renders it. The library's generic
 * wrapper renders placeholders instead of contents, which changes what a template that looks at
 * its contents makes (cuts, empty thoughts, JSON-quoted results).
 */
export class PromptTemplate {
  private readonly source: string;
  private readonly template: Template;
  private readonly markup: Markup;
  private readonly manners: TemplateManners;
  private readonly bos: string;
  private readonly eos: string;
  private readonly prependBos: boolean;

  /** Throws TemplateUnusable. */
  constructor(model: LlamaModel) {
    this.source = model.fileInfo.metadata.tokenizer?.chat_template ?? CHATML;
    this.template = compiled(this.source);
    this.markup = Markup.of(model);
    this.bos = model.tokens.bosString ?? '';
    this.eos = model.tokens.eosString ?? '';
    this.prependBos = model.tokens.shouldPrependBosToken;
    this.manners = this.learned();
  }

  /** Whether the template was made for tools; offered they can be in any case. */
  get knowsTools(): boolean {
    return this.manners.offer === 'by template' || this.manners.calls !== 'written';
  }

  /** Ends where the assistant's turn begins. Throws when the template refuses the messages. */
  render({ messages, tools, enableThinking }: PromptRequest): LlamaText {
    const hidden = tools.map((tool) => this.markup.hideIn(tool) as HostTool);
    const isOffered = this.manners.offer === 'by template' && this.manners.calls !== 'written';
    const offer = isOffered || tools.length === 0 ? undefined : toolOffer(hidden, this.offeredSyntax());
    const fitted = fitMessages(
      messages.map((message) => this.hidden(message)),
      this.manners,
      offer,
    );
    const text = this.made({
      messages: fitted.map((message) => this.templateMessage(message)),
      ...(isOffered && tools.length > 0
        ? { tools: hidden.map(templateTool) }
        : this.manners.noTools === 'empty list' && { tools: [] }),
      add_generation_prompt: true,
      ...(enableThinking === undefined ? {} : { enable_thinking: enableThinking }),
    });
    if (text.trim() === '') throw new Error('it renders nothing of them');
    const needsBos = this.prependBos && !(this.bos !== '' && text.startsWith(this.bos));
    return LlamaText([...(needsBos ? [new SpecialToken('BOS')] : []), this.markup.reveal(text)]);
  }

  private made(values: Readonly<Record<string, unknown>>): string {
    return withinTime(LONGEST_RENDERING_MS, () =>
      this.template.render({ ...values, bos_token: this.bos, eos_token: this.eos }),
    );
  }

  private learned(): TemplateManners {
    const render = (values: Readonly<Record<string, unknown>>): string => this.made(values);
    const why = whyUnusable(render);
    if (why !== undefined) throw new TemplateUnusable(why);
    try {
      return learnManners(render);
    } catch (error) {
      if (error instanceof TookTooLong) throw new TemplateUnusable(error.message);
      throw error;
    }
  }

  /** Arguments that will be parsed are hidden in when they are: escapes in JSON may hide markup too. */
  private hidden(message: HostMessage): HostMessage {
    const hidden = this.markup.hideIn(message) as HostMessage;
    if (message.role !== 'assistant' || hidden.role !== 'assistant') return hidden;
    if (this.manners.arguments === 'text') return hidden;
    const toolCalls = hidden.toolCalls.map((call, index) => ({
      ...call,
      arguments: message.toolCalls[index]?.arguments ?? '',
    }));
    return { ...hidden, toolCalls };
  }

  private offeredSyntax(): CallSyntax {
    const calls = this.manners.calls === 'written' ? undefined : familySyntax(this.source)?.calls;
    return calls === undefined || calls === 'as text' ? HERMES : calls;
  }

  private templateMessage(message: HostMessage): Record<string, unknown> {
    switch (message.role) {
      case 'system':
      case 'user':
        return { ...message };
      case 'tool':
        return {
          role: 'tool',
          content: message.content,
          name: message.name,
          tool_call_id: message.toolCallId,
        };
      case 'assistant': {
        const { content, reasoning, toolCalls } = message;
        return {
          role: 'assistant',
          content,
          ...(reasoning === undefined ? {} : { [this.manners.thoughts]: reasoning.trimEnd() }),
          ...(toolCalls.length === 0
            ? {}
            : {
                tool_calls: toolCalls.map(({ id, name, arguments: json }) => ({
                  id,
                  type: 'function',
                  function: { name, arguments: this.arguments(json) },
                })),
              }),
        };
      }
      default:
        return message satisfies never;
    }
  }

  private arguments(json: string): unknown {
    if (this.manners.arguments === 'text') return json;
    try {
      return this.markup.hideIn(JSON.parse(json));
    } catch {
      return this.markup.hide(json);
    }
  }
}

function compiled(source: string): Template {
  try {
    return withinTime(LONGEST_RENDERING_MS, () => compileTemplate(source));
  } catch (error) {
    throw new TemplateUnusable(messageOf(error));
  }
}

function templateTool({ name, description, parameters }: HostTool): Record<string, unknown> {
  return { type: 'function', function: { name, description, parameters } };
}
