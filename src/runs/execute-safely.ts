import type { CallSnapshot } from '../agent/snapshot.js';
import { messageOf } from '../errors.js';
import { callingData } from '../tools/calling-data.js';
import type { Tool, ToolContext, ToolOutcome } from '../tools/tool.js';

/** A tool must not reject; one that does has failed, and the run goes on. */
export async function executeSafely(
  tool: Tool,
  args: unknown,
  context: ToolContext,
  call: CallSnapshot,
): Promise<ToolOutcome> {
  try {
    return await tool.execute(args, context);
  } catch (error) {
    if (context.signal.aborted) return cancelledOutcome(tool, call);
    const data = callingData(tool.kind, call.arguments);
    return { status: 'failed', content: `Error: ${messageOf(error)}`, data };
  }
}

/** The same for a call that an earlier process began: where something fails on the way, nobody knows what became of it. */
export async function resumeSafely(
  tool: Tool,
  args: unknown,
  context: ToolContext,
  call: CallSnapshot,
): Promise<ToolOutcome | undefined> {
  try {
    return await tool.resume?.(args, context);
  } catch {
    return context.signal.aborted ? cancelledOutcome(tool, call) : undefined;
  }
}

function cancelledOutcome(tool: Tool, call: CallSnapshot): ToolOutcome {
  return { status: 'cancelled', content: '[cancelled]', data: callingData(tool.kind, call.arguments) };
}
