import {
  type ChatWrapper,
  type GbnfJsonSchema,
  type LlamaGrammar,
  type LlamaModel,
  LlamaText,
} from 'node-llama-cpp';
import type { HostTool } from '../protocol.js';
import { argumentSchema } from './argument-schema.js';
import type { TurnRecorder } from './turn-recorder.js';

/**
 * A turn that is nothing but a call. One function: the turn is begun as the model's own template begins a call of it,
 * and what is made are its arguments. Several: what is made is an object with name and arguments.
 */
export class ForcedCall {
  private made = '';

  constructor(private readonly tools: readonly HostTool[]) {}

  /** What stands before the first token that is made. */
  beginning({ settings: { functions } }: ChatWrapper): LlamaText {
    const [only] = this.tools;
    if (only === undefined || this.tools.length > 1) return LlamaText([]);
    const { prefix, paramsPrefix } = functions.call;
    return LlamaText([functions.parallelism?.call.sectionPrefix ?? '', prefix, only.name, paramsPrefix]);
  }

  grammar({ llama }: LlamaModel): Promise<LlamaGrammar> {
    const [only] = this.tools;
    const alone = this.tools.length === 1 && only !== undefined;
    const schema: GbnfJsonSchema = alone
      ? argumentSchema(only.parameters)
      : {
          oneOf: this.tools.map(({ name, parameters }) => ({
            type: 'object',
            properties: { name: { const: name }, arguments: argumentSchema(parameters) },
          })),
        };
    return llama.createGrammarForJsonSchema<GbnfJsonSchema>(schema);
  }

  add(text: string, recorder: TurnRecorder): void {
    this.made += text;
    const [only] = this.tools;
    if (only === undefined || this.tools.length > 1) return;
    recorder.argumentsChunk({ callIndex: 0, functionName: only.name, paramsChunk: text, done: false });
  }

  /** False when it was cut off before its end. */
  finish(recorder: TurnRecorder): boolean {
    const [only] = this.tools;
    const value = parsed(this.made);
    if (only === undefined || value === undefined) return false;
    if (this.tools.length === 1) {
      recorder.callDone(only.name, value);
      return true;
    }
    const { name, arguments: args } = value;
    if (typeof name !== 'string') return false;
    recorder.callDone(name, args);
    return true;
  }
}

function parsed(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
