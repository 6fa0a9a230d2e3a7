import { isCouncilPayload } from '../../events/council-payloads.js';
import { isTerminalEvent } from '../../events/event.js';
import type { FileObject } from '../../events/event.js';
import type { StreamItem } from '../../client/decode-server-text.js';
import type { WireEvent } from '../../gateway/frames.js';
import type { Style } from '../style.js';
import { plainLine } from '../terminal-text.js';
import type { ApprovalRequest } from './approval-question.js';
import { CouncilScreen } from './council-screen.js';
import { renderEvent } from './render-event.js';
import type { Screen } from './screen.js';

/** Follows a session on the screen and knows what is open in it. */
export class SessionScreen {
  /** The last seq that was shown. */
  lastSeq: number;
  /** Everything that was there before has been shown. */
  isLive = false;
  hasFailed = false;
  readonly openRuns = new Set<string>();
  /** Not decided yet, oldest first. */
  readonly approvals = new Map<string, ApprovalRequest>();
  private readonly endedRuns = new Set<string>();
  private readonly typedHere: string[] = [];
  private readonly council: CouncilScreen;

  constructor(
    private readonly screen: Screen,
    private readonly style: Style,
    afterSeq: number,
    private readonly onFile: (file: FileObject) => void,
  ) {
    this.council = new CouncilScreen(screen, style);
    this.lastSeq = afterSeq;
  }

  /** The person sees this text already where it was typed. */
  wasTyped(text: string): void {
    this.typedHere.push(text);
  }

  /** The server has taken this run on; its events may have been faster than the answer. */
  runCreated(runId: string): void {
    if (!this.endedRuns.has(runId)) this.openRuns.add(runId);
  }

  show(item: StreamItem): void {
    if (item.type === 'live') {
      this.isLive = true;
      return;
    }
    this.lastSeq = Math.max(this.lastSeq, item.seq);
    if (item.type === 'snapshot') {
      this.screen.line(this.style.warning('[the log before this point is gone]'));
      return;
    }
    this.follow(item);
    if (item.type === 'message' && this.isTypedHere(item.content)) return;
    if (isCouncilPayload(item)) this.council.show(item);
    else renderEvent(this.screen, this.style, item);
  }

  private follow(event: WireEvent): void {
    switch (event.type) {
      case 'run_queued':
      case 'run_started':
        if (event.run_id !== null) this.runCreated(event.run_id);
        return;
      case 'agentic_tool_approval_required':
        this.approvals.set(event.approval_id, event);
        return;
      case 'agentic_tool_approval_resolved': {
        this.approvals.delete(event.approval_id);
        const by = event.decided_by === null ? '' : ` by ${plainLine(event.decided_by)}`;
        const why = event.message ? `: ${plainLine(event.message)}` : '';
        this.screen.line(this.style.dim(`[approval: ${event.decision}${by}${why}]`));
        return;
      }
      case 'file':
        this.onFile(event.file);
        return;
      default:
        if (isTerminalEvent(event)) this.runEnded(event);
    }
  }

  private runEnded(event: WireEvent): void {
    if (event.run_id !== null) {
      this.endedRuns.add(event.run_id);
      this.openRuns.delete(event.run_id);
    }
    this.hasFailed = event.type !== 'done' || ['error', 'timeout'].includes(event.response.stop_reason);
  }

  private isTypedHere(content: string): boolean {
    const index = this.typedHere.indexOf(content);
    if (index !== -1) this.typedHere.splice(index, 1);
    return index !== -1;
  }
}
