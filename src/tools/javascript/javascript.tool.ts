import { z } from 'zod';
import type { IsolateCall, IsolateResult } from '../../sandbox/isolate/isolate-result.js';
import type { Tool, ToolContext, ToolOutcome, ToolOutcomeStatus } from '../tool.js';
import { guestToolsOf } from './guest-tools.js';
import { guestFilesOf } from './guest-workspace.js';
import { javascriptContent, lossText, type VariableLoss } from './javascript-content.js';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_VALUE_CHARS = 65_536;

const parameters = z.object({ code: z.string().describe('JavaScript to run') });
type Arguments = z.infer<typeof parameters>;

/** The part of `IsolatePool` that the tool uses. */
export interface JavascriptRunner {
  available(): boolean;
  run(sessionId: string, call: IsolateCall): Promise<IsolateResult>;
}

export function createJavascriptTool(runner: JavascriptRunner): Tool<Arguments> {
  return {
    name: 'javascript',
    description: [
      'Runs JavaScript and returns what console.log prints and the value of the last expression.',
      'Variables stay for later calls, and await works at the top level. There is no require, import, fetch or network.',
      'Files: await readFile(path) gives text (readFile(path, "bytes") a Uint8Array), await writeFile(path, data), await listFiles().',
    ].join(' '),
    parameters,
    source: 'built_in',
    kind: 'code_execution',
    label: 'JavaScript code',
    effect: 'effectful',
    execution: 'serial',
    reach: 'sandbox',
    callingHint:
      'Code can call the other tools: await tools.name({ ...its arguments }) gives { status, content, ... } and throws an Error with these fields when the tool fails or is denied.',
    available: () => runner.available(),
    execute: async ({ code }, context) => {
      const result = await runner.run(context.sessionId, isolateCall(code, context));
      const lost = await lossBefore(result, context);
      if (lost !== undefined) await context.tellStateLost(lossText(lost));
      return toOutcome(code, result, lost, context);
    },
  };
}

function isolateCall(code: string, context: ToolContext): IsolateCall {
  return {
    code,
    timeoutMs: context.timeoutMs,
    clock: context.clock,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    maxValueChars: MAX_VALUE_CHARS,
    files: guestFilesOf(context.workspace),
    tools: guestToolsOf(context.nested),
    onOutput: ({ stream, text }) => context.emitOutput(stream, text),
    signal: context.signal,
  };
}

/** Why variables of earlier calls were not there. The pool knows only what it did itself since it was started. */
async function lossBefore(result: IsolateResult, context: ToolContext): Promise<VariableLoss | undefined> {
  if (result.stateLost !== undefined) return result.stateLost;
  return result.stateNew && (await context.ranBefore()) ? 'elsewhere' : undefined;
}

function toOutcome(
  code: string,
  result: IsolateResult,
  lost: VariableLoss | undefined,
  { timeoutMs, nested }: ToolContext,
): ToolOutcome {
  return {
    status: statusOf(result),
    content: javascriptContent(result, { lost, timeoutMs, called: nested.made() }),
    data: {
      tool_type: 'code_execution',
      code,
      stdout: result.stdout,
      stderr: result.stderr,
      ...(result.error === undefined ? {} : { exception: result.error }),
      ...(result.value === undefined ? {} : { value: result.value }),
      execution_time_ms: Math.round(result.durationMs),
      outcome: result.outcome,
      state_kept: result.stateKept,
    },
  };
}

function statusOf({ outcome }: IsolateResult): ToolOutcomeStatus {
  switch (outcome) {
    case 'completed':
      return 'succeeded';
    case 'timed_out':
    case 'cancelled':
      return outcome;
    case 'failed':
    case 'out_of_memory':
    case 'died':
    case 'unavailable':
      return 'failed';
    default:
      return outcome satisfies never;
  }
}
