import { z } from 'zod';
import type { ToolCallData } from '../../events/tool-call-data.js';
import type { ExecutionResult, SandboxProvider } from '../../sandbox/sandbox.js';
import { statusOf, usedBy } from '../sandboxed/execution-report.js';
import { createSandboxedTool } from '../sandboxed/sandboxed-tool.js';
import type { Tool } from '../tool.js';

const parametersSchema = z.object({
  commands: z
    .array(z.string().min(1).max(100_000))
    .min(1)
    .max(50)
    .describe('Bash commands, run one after another in one shell: `cd` and variables carry over.'),
  background: z
    .enum(['end', 'keep'])
    .optional()
    .describe(
      'What becomes of processes left running, such as a server started with `&`: `end`, the default, or `keep`.',
    ),
});

export type TerminalArguments = z.infer<typeof parametersSchema>;

const DESCRIPTION = [
  "Runs bash commands in the session's working directory, the same one that Python uses. All commands run,",
  'also after one that fails; the exit status is that of the last. Output streams to the user. Nothing is',
  'typed in for programs that ask. Processes left running are ended with the call unless `background` is',
  '`keep`; what kept ones print later is lost, so send it to a file.',
].join(' ');

/** A shell beside the interpreter: a new one for each call, the same files. */
export function createTerminalTool(provider: SandboxProvider): Tool<TerminalArguments> {
  return createSandboxedTool(provider, {
    name: 'terminal',
    label: 'Shell commands',
    kind: 'shell',
    parameters: parametersSchema,
    description: () => DESCRIPTION,
    run: ({ commands, background = 'end' }, { sandbox, limits, onOutput, signal }) =>
      sandbox.shell(commands, { ...limits, background }, onOutput, signal),
    content: ({ stdout, stderr, exitCode }) => [stdout, stderr, exitNote(exitCode)],
    data: ({ commands }, result, workingDirectory) => dataOf(commands, result, workingDirectory),
    refusedData: ({ commands }, said, error) => {
      return { tool_type: 'shell', commands, status: 'failed', stderr: said, error };
    },
  });
}

function exitNote(exitCode: number | undefined): string | undefined {
  return exitCode === undefined || exitCode === 0 ? undefined : `[exit status ${exitCode}]`;
}

function dataOf(commands: string[], result: ExecutionResult, workingDirectory: string): ToolCallData {
  return {
    tool_type: 'shell',
    commands,
    stdout: result.stdout,
    stderr: result.stderr,
    exit_code: result.exitCode ?? null,
    status: statusOf(result.outcome),
    working_directory: workingDirectory,
    timed_out: result.outcome === 'timed_out',
    ...usedBy(result),
    ...(result.background.length > 0
      ? { background_processes: result.background.map(({ pid, command }) => ({ pid, command })) }
      : {}),
  };
}
