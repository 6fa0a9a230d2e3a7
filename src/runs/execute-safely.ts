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
    const data = callingData(tool.kind, call.arguments);
    if (context.signal.aborted) return { status: 'cancelled', content: '[cancelled]', data };
    return { status: 'failed', content: `Error: ${messageOf(error)}`, data };
  }
}
