import type { ToolCallData } from '../../events/tool-call-data.js';
import type { GuestTools } from '../../sandbox/isolate/isolate-result.js';
import type { NestedOutcome, NestedTools } from '../tool.js';

const MAX_REASON_CHARS = 1000;

const ENDED: Readonly<Record<Exclude<NestedOutcome['status'], 'succeeded'>, string>> = {
  failed: 'failed',
  denied: 'was denied',
  timed_out: 'ran out of time',
  cancelled: 'was cancelled',
};

/** The run's other tools, as JavaScript code sees them. */
export function guestToolsOf(nested: NestedTools): GuestTools {
  return {
    names: nested.names,
    async call(name, args) {
      const outcome = await nested.call(name, args);
      const { status, content, data } = outcome;
      const result = { status, content, ...(data && fieldsOf(data)) };
      if (status === 'succeeded') return result;
      const reason = reasonOf(outcome).trim().slice(-MAX_REASON_CHARS);
      return { ...result, message: `${name} ${ENDED[status]}: ${reason}` };
    },
  };
}

/** What the tool made, apart; images are for people, who get them as they are. */
function fieldsOf(data: ToolCallData): Record<string, unknown> {
  switch (data.tool_type) {
    case 'code_execution': {
      const { stdout, stderr, value, exception } = data;
      return { stdout, stderr, value, exception };
    }
    case 'shell': {
      const { stdout, stderr, exit_code } = data;
      return { stdout, stderr, exit_code };
    }
    case 'web_search':
      return { sources: data.sources };
    case 'custom':
      return {};
    default:
      return data satisfies never;
  }
}

function reasonOf({ content, data }: NestedOutcome): string {
  return (data?.tool_type === 'code_execution' ? data.exception : undefined) ?? content;
}
