import type { WireEvent } from '../../gateway/frames.js';
import type { ApprovalDecision } from '../../runs/run-request.js';
import type { Style } from '../style.js';
import { plainLine, plainText } from '../terminal-text.js';
import { parseArguments } from './parse-line.js';
import { excerpt } from './render-event.js';

export type ApprovalRequest = Extract<WireEvent, { type: 'agentic_tool_approval_required' }>;

/** What is to be typed next. */
export type QuestionStage = 'choice' | 'reason' | 'arguments';

export type QuestionOutcome =
  | { readonly type: 'decided'; readonly decision: ApprovalDecision }
  | { readonly type: 'ask'; readonly stage: QuestionStage; readonly say?: string }
  /** The arguments are to be changed in an editor, or on a line where there is none. */
  | { readonly type: 'edit' };

export const CHOICES = '[a]pprove / approve for [s]ession / [d]eny / [e]dit / [v]iew? ';
const MISTAKE: QuestionOutcome = { type: 'ask', stage: 'choice', say: 'Type a, s, d, e or v.' };

/** One line answered to an open question. Pure. `d because ...` and `e {...}` answer both at once. */
export function answerQuestion(
  request: ApprovalRequest,
  stage: QuestionStage,
  line: string,
): QuestionOutcome {
  const text = line.trim();
  switch (stage) {
    case 'reason':
      return denied(text);
    case 'arguments':
      return edited(text);
    case 'choice':
      return choose(request, text);
    default:
      return stage satisfies never;
  }
}

export function edited(text: string): QuestionOutcome {
  const args = parseArguments(text);
  if (args === undefined)
    return { type: 'ask', stage: 'choice', say: 'That is not a JSON object; nothing was decided.' };
  return { type: 'decided', decision: { decision: 'approve', edited_arguments: args } };
}

function choose(request: ApprovalRequest, text: string): QuestionOutcome {
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
  switch (word.toLowerCase()) {
    case 'a':
    case 'approve':
    case 'y':
    case 'yes':
      return approved({ decision: 'approve' }, rest);
    case 's':
    case 'session':
      return approved({ decision: 'approve', remember_for_session: true }, rest);
    case 'd':
    case 'deny':
    case 'n':
    case 'no':
      return rest === '' ? { type: 'ask', stage: 'reason' } : denied(rest);
    case 'e':
    case 'edit':
      return rest === '' ? { type: 'edit' } : edited(rest);
    case 'v':
    case 'view':
      return { type: 'ask', stage: 'choice', say: plainText(argumentsText(request)) };
    default:
      return MISTAKE;
  }
}

/** More words make the line a message, begun before the question came: that approves nothing. */
function approved(decision: ApprovalDecision, rest: string): QuestionOutcome {
  return rest === '' ? { type: 'decided', decision } : MISTAKE;
}

function denied(reason: string): QuestionOutcome {
  return {
    type: 'decided',
    decision: { decision: 'deny', ...(reason !== '' && { message: reason.slice(0, 4096) }) },
  };
}

/** The call as a person should read it before deciding. */
export function describeRequest(request: ApprovalRequest, style: Style): string {
  const { tool_name, tool, expires_at } = request;
  const until = expires_at === null ? '' : ` (until ${new Date(expires_at).toLocaleTimeString()})`;
  const by = request.parent_tool_call_id === undefined ? '' : ', called by running code';
  const title = `${plainLine(tool_name)}: ${plainLine(tool.label)}, ${tool.source} ${tool.kind}${by}`;
  return `${style.warning(`[approval needed${until}] ${title}`)}\n${excerpt(argumentsText(request))}`;
}

export function promptOf(stage: QuestionStage): string {
  switch (stage) {
    case 'choice':
      return CHOICES;
    case 'reason':
      return 'reason (empty for none): ';
    case 'arguments':
      return 'arguments as one line of JSON: ';
    default:
      return stage satisfies never;
  }
}

/** A single string is shown as it is, since that is how code is read; anything else as JSON. */
function argumentsText({ arguments: args }: ApprovalRequest): string {
  const entries = typeof args === 'object' && args !== null ? Object.entries(args) : [];
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && typeof only[1] === 'string')
    return `${only[0]}:\n${only[1]}`;
  return JSON.stringify(args, null, 2) ?? '';
}
