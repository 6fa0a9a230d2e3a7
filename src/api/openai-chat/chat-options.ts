import type { RunOptions } from '../../runs/run-request.js';
import { runOptionsSchema } from '../../runs/run-request.js';
import { type ChatRequest, SERVER_TOOL_TYPES } from './chat-request.js';

/**
 * The run's options. The server's tools are on where the request says so; a request with functions of its own and
 * nothing else is plain function calling, and its calls go back to the client.
 */
export function toRunOptions(request: ChatRequest): RunOptions {
  const isToolless = request.tool_choice === 'none';
  const functions = isToolless ? [] : functionsOf(request);
  const serverTools = isToolless ? [] : serverToolsOf(request);
  const wanted: Record<string, unknown> = {
    ...request,
    client_tools: 'return',
    tool_choice: isToolless ? undefined : request.tool_choice,
    tools: functions.length > 0 ? functions : undefined,
    enable_tools: serverTools === 'all' || serverTools.length > 0,
    enabled_tools: serverTools === 'all' ? undefined : serverTools,
    prediction: request.prediction?.type === 'input_lookup' ? { type: 'input_lookup' } : undefined,
    max_tokens: request.max_completion_tokens ?? request.max_tokens,
    max_tool_rounds: request.max_tool_rounds ?? request.max_tool_calls_per_message,
    agent_permission: request.agent_permission ?? request.code_execution_permission,
    context_overflow: request.context_overflow ?? defaultOverflow(request, serverTools),
    thinking_budget: request.thinking_budget ?? request.reasoning?.max_tokens,
    enable_thinking: request.enable_thinking ?? (request.reasoning_effort === 'none' ? false : undefined),
  };
  const known = Object.keys(runOptionsSchema.shape);
  return runOptionsSchema.parse(
    Object.fromEntries(known.flatMap((name) => (wanted[name] === undefined ? [] : [[name, wanted[name]]]))),
  );
}

export function offersServerTools(options: RunOptions): boolean {
  return options.enable_tools !== false;
}

/**
 * Who keeps the conversation makes room in it: the server in a session. A client that sends all of it each time is told
 * that it is too long, as by OpenAI, except of what the server's own tools add to it.
 */
function defaultOverflow(
  { session_id, truncation }: ChatRequest,
  serverTools: readonly string[] | 'all',
): RunOptions['context_overflow'] {
  if (session_id !== undefined || truncation !== undefined) return undefined;
  return serverTools.length > 0 ? 'truncate' : 'error';
}

function functionsOf({ tools }: ChatRequest): NonNullable<RunOptions['tools']> {
  return (tools ?? []).flatMap((tool) => (tool.type === 'function' ? [tool] : []));
}

function serverToolsOf({ enable_tools, enabled_tools, tools }: ChatRequest): readonly string[] | 'all' {
  if (enable_tools === false) return [];
  const typed = (tools ?? []).flatMap((tool) =>
    tool.type === 'function' ? [] : [SERVER_TOOL_TYPES[tool.type]],
  );
  if (enabled_tools !== undefined || typed.length > 0)
    return [...new Set([...(enabled_tools ?? []), ...typed])];
  return enable_tools === true ? 'all' : [];
}
