import { Template } from '@huggingface/jinja';
import { LlamaText, SpecialToken, SpecialTokensText, type LlamaModel } from 'node-llama-cpp';
import type { HostMessage, HostTool } from '../protocol.js';

export interface PromptRequest {
  readonly messages: readonly HostMessage[];
  readonly tools: readonly HostTool[];
  readonly enableThinking?: boolean | undefined;
}

/** Used when a model brings no template of its own. */
const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// Private-use characters: no text of a template contains them.
const QUOTE_OPEN = '\uE0F4';
const QUOTE_CLOSE = '\uE0F5';
const QUOTED = new RegExp(`${QUOTE_OPEN}(\\d+)${QUOTE_CLOSE}`);

type ArgumentForm = 'text' | 'object';

/**
 * The prompt exactly as the model's own Jinja template renders it. The library's generic
 * wrapper renders placeholders instead of contents, which changes what a template that looks at
 * its contents makes (cuts, empty thoughts, JSON-quoted results).
 */
export class PromptTemplate {
  private readonly template: Template;
  private readonly controlTexts: readonly string[];
  private readonly controlPattern: RegExp | undefined;
  private readonly argumentForm: ArgumentForm;
  private readonly bos: string;
  private readonly eos: string;
  private readonly prependBos: boolean;

  constructor(model: LlamaModel) {
    this.template = new Template(model.fileInfo.metadata.tokenizer?.chat_template ?? CHATML);
    this.controlTexts = controlTokenTexts(model);
    this.controlPattern =
      this.controlTexts.length === 0
        ? undefined
        : new RegExp(
            this.controlTexts
              .map((text) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`))
              .join('|'),
            'g',
          );
    this.bos = model.tokens.bosString ?? '';
    this.eos = model.tokens.eosString ?? '';
    this.prependBos = model.tokens.shouldPrependBosToken;
    this.argumentForm = this.probeArgumentForm();
  }

  /** Ends where the assistant's turn begins. Throws when the template refuses the messages. */
  render(request: PromptRequest): LlamaText {
    const messages = request.messages.map((message) => this.templateMessage(message));
    const text = this.template.render({
      messages,
      ...(request.tools.length === 0 ? {} : { tools: request.tools.map(templateTool) }),
      add_generation_prompt: true,
      bos_token: this.bos,
      eos_token: this.eos,
      ...(request.enableThinking === undefined ? {} : { enable_thinking: request.enableThinking }),
    });
    const needsBos = this.prependBos && !(this.bos !== '' && text.startsWith(this.bos));
    return LlamaText([...(needsBos ? [new SpecialToken('BOS')] : []), ...this.unquote(text)]);
  }

  private templateMessage(message: HostMessage): Record<string, unknown> {
    const content = this.quote(message.content);
    switch (message.role) {
      case 'system':
      case 'user':
        return { role: message.role, content };
      case 'tool':
        return { role: 'tool', content, name: message.name, tool_call_id: message.toolCallId };
      case 'assistant':
        return {
          role: 'assistant',
          content,
          ...(message.reasoning === undefined ? {} : { reasoning_content: this.quote(message.reasoning) }),
          ...(message.toolCalls.length === 0
            ? {}
            : {
                tool_calls: message.toolCalls.map((call) => ({
                  id: call.id,
                  type: 'function',
                  function: { name: this.quote(call.name), arguments: this.arguments(call.arguments) },
                })),
              }),
        };
      default:
        return message satisfies never;
    }
  }

  private arguments(text: string): unknown {
    if (this.argumentForm === 'text') return this.quote(text);
    try {
      const parsed: unknown = JSON.parse(this.quote(text));
      return parsed;
    } catch {
      return this.quote(text);
    }
  }

  /**
   * Some templates print arguments that are text as they are, others quote them again. Text is
   * better where it works: it repeats what the model wrote, so its KV cache stays valid.
   */
  private probeArgumentForm(): ArgumentForm {
    const call = {
      id: 'call00001',
      type: 'function',
      function: { name: 'probe', arguments: '{"probe":  1}' },
    };
    try {
      const text = this.template.render({
        messages: [
          { role: 'user', content: 'probe' },
          { role: 'assistant', content: '', tool_calls: [call] },
        ],
        add_generation_prompt: false,
        bos_token: this.bos,
        eos_token: this.eos,
      });
      return text.includes('{"probe":  1}') ? 'text' : 'object';
    } catch {
      return 'object';
    }
  }

  /** Control tokens written in a content must stay text: they would end the turn, or forge one. */
  private quote(text: string): string {
    const clean = text.replaceAll(QUOTE_OPEN, '').replaceAll(QUOTE_CLOSE, '');
    if (this.controlPattern === undefined) return clean;
    return clean.replace(
      this.controlPattern,
      (control) => `${QUOTE_OPEN}${this.controlTexts.indexOf(control)}${QUOTE_CLOSE}`,
    );
  }

  private unquote(text: string): (string | SpecialTokensText)[] {
    const parts = text.split(QUOTED);
    return parts.map((part, index) =>
      index % 2 === 0 ? new SpecialTokensText(part) : (this.controlTexts[Number(part)] ?? ''),
    );
  }
}

function templateTool(tool: HostTool): Record<string, unknown> {
  return {
    type: 'function',
    function: { name: tool.name, description: tool.description, parameters: tool.parameters },
  };
}

function controlTokenTexts(model: LlamaModel): string[] {
  const texts = new Set<string>();
  for (const token of model.iterateAllTokens()) {
    if (!model.isSpecialToken(token)) continue;
    const text = model.detokenize([token], true);
    // Bytes and single characters are no markup; quoting them would only tear texts apart.
    if (text.length > 2) texts.add(text);
  }
  return [...texts].sort((a, b) => b.length - a.length);
}
