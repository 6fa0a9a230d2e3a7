import type { z } from 'zod';
import type { CallRefusal, ToolCallData } from '../../events/tool-call-data.js';
import type {
  ExecutionLimits,
  ExecutionResult,
  OutputSink,
  Sandbox,
  SandboxChoice,
  SandboxProvider,
} from '../../sandbox/sandbox.js';
import type { Tool, ToolContext, ToolKind, ToolOutcome, ToolReach } from '../tool.js';
import { base64, joinedReport, notesOn, refusalOf, refusalText, statusOf } from './execution-report.js';
import { protectionText, standingOf } from './protection-text.js';

/** What a call's run gets from its surroundings. */
export interface SandboxedCall {
  readonly sandbox: Sandbox;
  readonly limits: ExecutionLimits;
  readonly onOutput: OutputSink;
  readonly signal: AbortSignal;
}

/** What one tool of the session's sandbox does differently from the others. */
export interface SandboxedToolDefinition<Arguments> {
  readonly name: string;
  readonly label: string;
  readonly kind: ToolKind;
  readonly parameters: z.ZodType<Arguments>;
  /** `packages` are Python's, beside its own library; undefined: only the image knows. */
  description(packages: readonly string[] | undefined): string;
  run(args: Arguments, call: SandboxedCall): Promise<ExecutionResult>;
  /** What the model reads, before the notes that every tool's result may have. */
  content(result: ExecutionResult): readonly (string | undefined)[];
  data(args: Arguments, result: ExecutionResult, workingDirectory: string): ToolCallData;
  /** The same for a call that got no sandbox; `said` is what the model reads. */
  refusedData(args: Arguments, said: string, error: CallRefusal): ToolCallData;
}

/** A tool whose calls run in the session's sandbox. Its description follows what is really enforced there. */
class SandboxedTool<Arguments> implements Tool<Arguments> {
  readonly source = 'built_in';
  readonly effect = 'effectful';
  readonly execution = 'serial';

  constructor(
    private readonly provider: SandboxProvider,
    private readonly definition: SandboxedToolDefinition<Arguments>,
    private readonly choice: SandboxChoice = {},
  ) {}

  inSession(choice: SandboxChoice): Tool<Arguments> {
    return new SandboxedTool(this.provider, this.definition, choice);
  }

  get reach(): ToolReach {
    return (this.choice.egress ?? []).length > 0 ? 'network' : 'sandbox';
  }

  get name(): string {
    return this.definition.name;
  }

  get label(): string {
    return this.definition.label;
  }

  get kind(): ToolKind {
    return this.definition.kind;
  }

  get parameters(): z.ZodType<Arguments> {
    return this.definition.parameters;
  }

  get description(): string {
    const { profile, egress = [] } = this.choice;
    const { notes, packages } = standingOf(this.provider.protections(), profile);
    return `${this.definition.description(packages)} ${protectionText(notes, egress)}`.trim();
  }

  available(): boolean {
    return this.provider.protections().available;
  }

  async execute(args: Arguments, context: ToolContext): Promise<ToolOutcome> {
    const { definition } = this;
    try {
      const { result, news, workingDirectory } = await context.workspace.withSandbox(
        async (sandbox, news) => {
          const result = await definition.run(args, {
            sandbox,
            limits: { timeoutMs: context.timeoutMs, key: context.toolCallId },
            onOutput: ({ stream, text }) => context.emitOutput(stream, text),
            signal: context.signal,
          });
          return { result, news, workingDirectory: sandbox.workingDirectory, changes: result.changes };
        },
      );
      return this.#outcome(args, context, result, workingDirectory, news);
    } catch (error) {
      const refusal = refusalOf(error);
      const content = refusalText(refusal);
      return { status: 'failed', content, data: definition.refusedData(args, content, refusal) };
    }
  }

  async resume(args: Arguments, context: ToolContext): Promise<ToolOutcome | undefined> {
    const { toolCallId, timeoutMs, workspace, signal } = context;
    const resumed = await workspace.withLeftSandbox(async (sandbox) => {
      const result = await sandbox.resume(
        toolCallId,
        { timeoutMs },
        ({ stream, text }) => context.emitOutput(stream, text),
        signal,
      );
      return { result, workingDirectory: sandbox.workingDirectory, changes: result.changes };
    });
    if (resumed === undefined || resumed.result.outcome === 'sandbox_lost') return undefined;
    return this.#outcome(args, context, resumed.result, resumed.workingDirectory, []);
  }

  #outcome(
    args: Arguments,
    { timeoutMs }: ToolContext,
    result: ExecutionResult,
    workingDirectory: string,
    news: readonly string[],
  ): ToolOutcome {
    const images = result.images.map(({ data }) => base64(data));
    return {
      status: statusOf(result.outcome),
      content: joinedReport([
        ...news.map((sentence) => `[${sentence}]`),
        ...this.definition.content(result),
        ...notesOn(result, timeoutMs),
      ]),
      ...(images.length > 0 ? { imagesBase64: images } : {}),
      data: this.definition.data(args, result, workingDirectory),
    };
  }
}

export function createSandboxedTool<Arguments>(
  provider: SandboxProvider,
  definition: SandboxedToolDefinition<Arguments>,
): Tool<Arguments> {
  return new SandboxedTool(provider, definition);
}
