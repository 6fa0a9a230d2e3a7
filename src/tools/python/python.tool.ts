import { z } from 'zod';
import type { ExecutionResult, SandboxProvider } from '../../sandbox/sandbox.js';
import type { Tool, ToolContext, ToolOutcome } from '../tool.js';
import {
  base64,
  joinedReport,
  notesOn,
  protectionText,
  statusOf,
  unavailableMessage,
} from './execution-report.js';

const parametersSchema = z.object({
  code: z
    .string()
    .max(1_000_000)
    .describe('Python source. The value of a last expression is shown, as in a notebook.'),
});

export type PythonArguments = z.infer<typeof parametersSchema>;

const DESCRIPTION = [
  "Runs Python in the session's own interpreter: variables, imports and files in the working directory",
  'stay for later calls. Printed text streams to the user. Figures that are open at the end, and images',
  'that are the last value, are shown to the user; save a file in the working directory to hand it over.',
  'numpy, pandas, matplotlib and pillow are installed. input() is not answered. Processes left running',
  'are ended with the call.',
].join(' ');

/** The model's stateful Python. `description` follows what the sandbox really enforces. */
class PythonTool implements Tool<PythonArguments> {
  readonly name = 'python';
  readonly label = 'Python code';
  readonly parameters = parametersSchema;
  readonly source = 'built_in';
  readonly kind = 'code_execution';
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

  async execute({ code }: PythonArguments, context: ToolContext): Promise<ToolOutcome> {
    try {
      const { result, workingDirectory } = await context.workspace.withSandbox(async (sandbox) => {
        const result = await sandbox.exec(
          code,
          { timeoutMs: context.timeoutMs },
          ({ stream, text }) => context.emitOutput(stream, text),
          context.signal,
        );
        return { result, workingDirectory: sandbox.workingDirectory, changes: result.changes };
      });
      return outcomeOf(code, result, workingDirectory, context.timeoutMs);
    } catch (error) {
      const content = unavailableMessage(error);
      return { status: 'failed', content, data: { tool_type: 'code_execution', code, exception: content } };
    }
  }
}

function outcomeOf(
  code: string,
  result: ExecutionResult,
  workingDirectory: string,
  timeoutMs: number,
): ToolOutcome {
  const images = result.images.map(({ data }) => base64(data));
  const frames = result.videoFrames.map(({ data }) => base64(data));
  // A traceback that only says it was interrupted tells nothing that the note does not.
  const exception =
    result.outcome === 'interrupted' || result.outcome === 'timed_out' ? undefined : result.exception;
  return {
    status: statusOf(result.outcome),
    content: joinedReport([
      result.stdout,
      result.value,
      result.stderr,
      exception,
      notesOn(result, timeoutMs).join('\n'),
    ]),
    ...(images.length > 0 ? { imagesBase64: images } : {}),
    data: {
      tool_type: 'code_execution',
      code,
      stdout: result.stdout,
      stderr: result.stderr,
      ...(result.exception === undefined ? {} : { exception: result.exception }),
      ...(result.value === undefined ? {} : { value: result.value }),
      ...(images.length > 0 ? { images_base64: images } : {}),
      ...(frames.length > 0 ? { video_frames_base64: frames } : {}),
      ...(result.videoFrameCount > 0 ? { video_frame_count: result.videoFrameCount } : {}),
      working_directory: workingDirectory,
      execution_time_ms: Math.round(result.durationMs * 1000) / 1000,
      outcome: result.outcome,
      state_kept: result.stateKept,
    },
  };
}

export function createPythonTool(provider: SandboxProvider): Tool<PythonArguments> {
  return new PythonTool(provider);
}
