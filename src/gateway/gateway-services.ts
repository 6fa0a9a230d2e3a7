import type { LiveMarker } from '../events/event-log.js';
import type { GantryEvent } from '../events/event.js';
import type {
  ApprovalDecision,
  CancelKeys,
  CreateRunRequest,
  InvokeToolRequest,
  ToolResultSubmission,
} from '../runs/run-request.js';
import type { ApprovalView, RunView } from '../runs/run-view.js';
import type { CreateSessionRequest, SessionView } from '../sessions/session-request.js';

export interface CreatedRun {
  readonly run: RunView;
  /** False: the same idempotency key had made it before. */
  readonly created: boolean;
  /** Of the event before the run's first one. */
  readonly afterSeq: number;
}

/** What the frames of one connection may do, already bound to its principal. Failures are thrown. */
export interface GatewayServices {
  createSession(request: CreateSessionRequest): Promise<SessionView>;
  /** Throws `not_found` also for another's session. */
  lastSeq(sessionId: string): Promise<number>;
  /** The whole session and the seq that it stands at. */
  snapshot(sessionId: string): Promise<{ readonly seq: number; readonly session: unknown }>;
  subscribe(
    sessionId: string,
    afterSeq: number,
    signal: AbortSignal,
  ): AsyncIterable<GantryEvent | LiveMarker>;
  createRun(request: CreateRunRequest): Promise<CreatedRun>;
  invokeTool(request: InvokeToolRequest): Promise<CreatedRun>;
  cancel(keys: CancelKeys): Promise<{ cancelled: readonly string[] }>;
  steer(runId: string, text: string): Promise<void>;
  submitToolResult(submission: ToolResultSubmission): Promise<void>;
  decide(approvalId: string, decision: ApprovalDecision): Promise<ApprovalView>;
}
