import type { Notice } from '../../client/fold-notices.js';
import type { CouncilPayload } from '../../events/council-payloads.js';
import type { RunResponse } from '../../events/event.js';
import type { ToolCallData } from '../../events/tool-call-data.js';
import type { WireEvent } from '../../gateway/frames.js';
import type { Style } from '../style.js';
import { plainLine, plainText } from '../terminal-text.js';
import { compactionLine } from './compaction-line.js';
import type { Screen } from './screen.js';

const SHOWN_LINES = 20;

/** Shows one event. Approvals, files and councils are the chat's own matter. */
export function renderEvent(screen: Screen, style: Style, event: Exclude<WireEvent, CouncilPayload>): void {
  switch (event.type) {
    case 'message':
      screen.line(style.bold(`> ${plainText(event.content)}`));
      return;
    case 'run_queued':
      return renderPlace(screen, style, event.position);
    case 'chunk':
    case 'agentic_tool_output':
      return renderPiece(screen, style, event);
    case 'agentic_tool_call_progress':
      return renderCall(screen, style, event);
    case 'client_tool_call':
      screen.line(style.warning(`[the call ${plainLine(event.tool_name)} waits for a client's answer]`));
      return;
    case 'stream_reset':
    case 'tool_call_cancelled':
    case 'sandbox_state_lost':
    case 'context_compacted':
    case 'inference_retry':
    case 'model_fallback':
      screen.line(style.dim(noticeOf(event)));
      return;
    case 'done':
      screen.line(style.dim(`[${summary(event.response)}]`));
      return;
    case 'model_error':
    case 'validation_error':
    case 'internal_error':
      screen.line(style.failure(`[the run failed: ${plainLine(event.message)}]`));
      return;
    default:
      event satisfies SilentEvent;
  }
}

type SilentEvent = Extract<
  WireEvent,
  {
    type:
      | 'raw'
      | 'run_started'
      | 'run_waiting'
      | 'file'
      | 'agentic_tool_approval_required'
      | 'agentic_tool_approval_resolved';
  }
>;

function renderPlace(screen: Screen, style: Style, position: number): void {
  if (position > 0) screen.line(style.dim(`[queued behind ${position}]`));
}

function renderPiece(
  screen: Screen,
  style: Style,
  event: Extract<WireEvent, { type: 'chunk' | 'agentic_tool_output' }>,
): void {
  if (event.type === 'agentic_tool_output') {
    const [prefix, decorate] = event.stream === 'stdout' ? ['  | ', String] : ['  ! ', style.warning];
    screen.stream(event.stream, event.text, prefix, decorate);
    return;
  }
  for (const { delta } of event.choices) {
    if (delta.reasoning_content) screen.stream('reasoning', delta.reasoning_content, '~ ', style.dim);
    if (delta.content) screen.stream('answer', delta.content, '', String);
  }
}

function noticeOf(
  event: Notice | Extract<WireEvent, { type: 'stream_reset' | 'tool_call_cancelled' }>,
): string {
  switch (event.type) {
    case 'stream_reset':
      return `[the answer was interrupted (${event.cause}) and goes on]`;
    case 'tool_call_cancelled':
      return '[a call that the model was writing was cancelled]';
    case 'sandbox_state_lost':
      return `[the sandbox was started anew: ${plainLine(event.reason)}]`;
    case 'inference_retry':
      return `[the model failed and is asked again, ${event.retry} of ${event.max_retries}: ${plainLine(event.message)}]`;
    case 'model_fallback': {
      const others = event.passed_over.map(({ model }) => model).join(', ');
      return `[${plainLine(event.model)} answers instead of ${plainLine(others)}]`;
    }
    case 'context_compacted':
      return `[${compactionLine(event)}]`;
    default:
      return event satisfies never;
  }
}

/** At most 20 lines of it, each set in by two. */
export function excerpt(text: string): string {
  const lines = plainText(text).trimEnd().split('\n');
  const shown = lines.slice(0, SHOWN_LINES).map((line) => `    ${line}`);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`    ... ${rest} more lines`] : [])].join('\n');
}

function renderCall(
  screen: Screen,
  style: Style,
  event: Extract<WireEvent, { type: 'agentic_tool_call_progress' }>,
): void {
  const by = event.parent_tool_call_id === undefined ? '' : 'from code: ';
  const name = by + plainLine(event.tool_name);
  if (event.queue_position !== undefined) {
    const place = event.queue_position;
    const told = place > 0 ? `waits for a sandbox: place ${place} in the line` : 'has its sandbox';
    screen.line(style.dim(`[${name} ${told}]`));
    return;
  }
  if (event.phase === 'calling') {
    screen.line(style.bold(`[${name}]`));
    const source = sourceOf(event.data);
    if (source !== '') screen.line(style.dim(excerpt(source)));
    return;
  }
  const { data } = event;
  const result = resultOf(data);
  if (result !== '') screen.line(excerpt(result));
  const status = event.status ?? 'complete';
  const took =
    data.tool_type === 'code_execution' && data.execution_time_ms !== undefined
      ? ` in ${Math.round(data.execution_time_ms)} ms`
      : '';
  const text = `[${name}: ${status}${took}]`;
  screen.line(status === 'succeeded' ? style.dim(text) : style.warning(text));
}

/** What is about to be run. */
function sourceOf(data: ToolCallData): string {
  switch (data.tool_type) {
    case 'code_execution':
      return data.code ?? '';
    case 'shell':
      return (data.commands ?? []).join('\n');
    case 'web_search':
      return data.query ?? '';
    case 'custom':
      return data.arguments === undefined ? '' : JSON.stringify(data.arguments, null, 2);
    default:
      return data satisfies never;
  }
}

/** What came out beside the output that was streamed. */
function resultOf(data: ToolCallData): string {
  switch (data.tool_type) {
    case 'code_execution':
      return data.exception ?? data.value ?? '';
    case 'shell':
      return data.exit_code === undefined || data.exit_code === null || data.exit_code === 0
        ? ''
        : `exit code ${data.exit_code}`;
    case 'web_search':
      return (data.sources ?? []).join('\n');
    case 'custom':
      return data.content ?? '';
    default:
      return data satisfies never;
  }
}

function summary({ stop_reason, usage }: RunResponse): string {
  const speed = usage.avg_compl_tok_per_sec > 0 ? `, ${usage.avg_compl_tok_per_sec.toFixed(1)} tokens/s` : '';
  return `${stop_reason}, ${usage.completion_tokens} tokens${speed}`;
}
