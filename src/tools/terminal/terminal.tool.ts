import { z } from 'zod';
import type { ExecutionResult, SandboxProvider } from '../../sandbox/sandbox.js';
import {
  joinedReport,
  notesOn,
  protectionText,
  statusOf,
  unavailableMessage,
} from '../python/execution-report.js';
import type { Tool, ToolContext, ToolOutcome } from '../tool.js';

const parametersSchema = z.object({
  commands: z
    .array(z.string().min(1).max(100_000))
    .min(1)
    .max(50)
    .describe('Bash commands, run one after another in one shell: `cd` and variables carry over.'),
});

export type TerminalArguments = z.infer<typeof parametersSchema>;

const DESCRIPTION = [
  "Runs bash commands in the session's working directory, the same one that Python uses. All commands run,",
  'also after one that fails; the exit status is that of the last. Output streams to the user. Nothing is',
  'typed in for programs that ask, and processes left running are ended with the call.',
].join(' ');

/** A shell beside the interpreter: a new one for each call, the same files. */
class TerminalTool implements Tool<TerminalArguments> {
  readonly name = 'terminal';
  readonly label = 'Shell commands';
  readonly parameters = parametersSchema;
  readonly source = 'built_in';
  readonly kind = 'shell';
  readonly effect = 'effectful';
  readonly execution = 'serial';
  readonly reach = 'sandbox';

  constructor(private readonly provider: SandboxProvider) {}

  get description(): string {
    return `${DESCRIPTION} ${protectionText(this.provider.protections())}`.trim();
  }

  available(): boolean {
    return this.provider.protections().available;
  }

  async execute({ commands }: TerminalArguments, context: ToolContext): Promise<ToolOutcome> {
    try {
      const { result, workingDirectory } = await context.workspace.withSandbox(async (sandbox) => {
        const result = await sandbox.shell(
          commands,
          { timeoutMs: context.timeoutMs },
          ({ stream, text }) => context.emitOutput(stream, text),
          context.signal,
        );
        return { result, workingDirectory: sandbox.workingDirectory, changes: result.changes };
      });
      return outcomeOf(commands, result, workingDirectory, context.timeoutMs);
    } catch (error) {
      const content = unavailableMessage(error);
      return {
        status: 'failed',
        content,
        data: { tool_type: 'shell', commands, status: 'failed', stderr: content },
      };
    }
  }
}

function outcomeOf(
  commands: string[],
  result: ExecutionResult,
  workingDirectory: string,
  timeoutMs: number,
): ToolOutcome {
  const { exitCode } = result;
  const status = statusOf(result.outcome);
  const exit = exitCode === undefined || exitCode === 0 ? undefined : `[exit status ${exitCode}]`;
  return {
    status,
    content: joinedReport([result.stdout, result.stderr, exit, notesOn(result, timeoutMs).join('\n')]),
    data: {
      tool_type: 'shell',
      commands,
      stdout: result.stdout,
      stderr: result.stderr,
      exit_code: exitCode ?? null,
      status,
      working_directory: workingDirectory,
      timed_out: result.outcome === 'timed_out',
    },
  };
}

export function createTerminalTool(provider: SandboxProvider): Tool<TerminalArguments> {
  return new TerminalTool(provider);
}
