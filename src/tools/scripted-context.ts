import { ScriptedWorkspace } from './scripted-workspace.js';
import type { ToolContext } from './tool.js';

/** A call's context with an empty workspace, for tests of tools. */
export function scriptedContext(overrides: Partial<ToolContext>): ToolContext {
  return {
    sessionId: 'sess_1',
    runId: 'run_1',
    toolCallId: 'call_1',
    round: 0,
    generation: 1,
    timeoutMs: 5000,
    signal: new AbortController().signal,
    workspace: new ScriptedWorkspace(),
    emitOutput: () => Promise.resolve(),
    ...overrides,
  };
}
