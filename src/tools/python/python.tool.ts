import { z } from 'zod';
import type { ToolCallData } from '../../events/tool-call-data.js';
import type { ExecutionResult, SandboxProvider } from '../../sandbox/sandbox.js';
import { base64, inMilliseconds, usedBy } from '../sandboxed/execution-report.js';
import { createSandboxedTool } from '../sandboxed/sandboxed-tool.js';
import type { Tool } from '../tool.js';

const parametersSchema = z.object({
  code: z
    .string()
    .max(1_000_000)
    .describe('Python source. The value of a last expression is shown, as in a notebook.'),
});

export type PythonArguments = z.infer<typeof parametersSchema>;

const DESCRIPTION_BEFORE = [
  "Runs Python in the session's own interpreter: variables, imports and files in the working directory",
  'stay for later calls. Printed text streams to the user. Figures that are open at the end, and images',
  'that are the last value, are shown to the user; save a file in the working directory to hand it over.',
].join(' ');
const DESCRIPTION_AFTER = 'input() is not answered. Processes left running are ended with the call.';

function installed(packages: readonly string[] | undefined): string {
  if (packages === undefined) return 'What is installed depends on the image: importlib.metadata tells.';
  const last = packages.at(-1);
  if (last === undefined) return "Nothing is installed but Python's own library.";
  const others = packages.slice(0, -1).join(', ');
  return others === '' ? `${last} is installed.` : `${others} and ${last} are installed.`;
}

/** The model's stateful Python. */
export function createPythonTool(provider: SandboxProvider): Tool<PythonArguments> {
  return createSandboxedTool(provider, {
    name: 'python',
    label: 'Python code',
    kind: 'code_execution',
    parameters: parametersSchema,
    description: (packages) => `${DESCRIPTION_BEFORE} ${installed(packages)} ${DESCRIPTION_AFTER}`,
    run: ({ code }, { sandbox, limits, onOutput, signal }) => sandbox.exec(code, limits, onOutput, signal),
    content: (result) => [result.stdout, result.value, result.stderr, exceptionFor(result)],
    data: ({ code }, result, workingDirectory) => dataOf(code, result, workingDirectory),
    refusedData: ({ code }, said, error) => ({ tool_type: 'code_execution', code, exception: said, error }),
  });
}

/** A traceback that only says it was interrupted tells nothing that the note does not. */
function exceptionFor({ outcome, exception }: ExecutionResult): string | undefined {
  return outcome === 'interrupted' || outcome === 'timed_out' ? undefined : exception;
}

function dataOf(code: string, result: ExecutionResult, workingDirectory: string): ToolCallData {
  const images = result.images.map(({ data }) => base64(data));
  const frames = result.videoFrames.map(({ data }) => base64(data));
  return {
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
    execution_time_ms: inMilliseconds(result.durationMs),
    outcome: result.outcome,
    state_kept: result.stateKept,
    ...usedBy(result),
  };
}
