import { ScriptedWorkspace } from './scripted-workspace.js';
import { WorkClock } from '../work-clock.js';
import { NO_NESTED_TOOLS, type ToolContext } from './tool.js';

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
    clock: new WorkClock(),
    workspace: new ScriptedWorkspace(),
    nested: NO_NESTED_TOOLS,
    ranBefore: () => Promise.resolve(false),
    tellStateLost: () => Promise.resolve(),
    emitOutput: () => Promise.resolve(),
    ...overrides,
  };
}
