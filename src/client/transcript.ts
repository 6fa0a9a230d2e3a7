import type { FileObject, PayloadOf, RunResponse, StopReason } from '../events/event.js';
import type { ToolCallData } from '../events/tool-call-data.js';

export type CallPhase = 'drafting' | 'awaiting_approval' | 'calling' | 'complete' | 'cancelled';

export interface ApprovalEntry {
  readonly approval_id: string;
  readonly expires_at: string | null;
  /** Null: nobody has decided yet. */
  readonly decision: 'approve' | 'deny' | 'expired' | 'cancelled' | null;
  readonly decided_by: string | null;
  readonly message: string | null;
}

export interface CallEntry {
  /** Absent while the model is still writing the call without having named it. */
  readonly tool_call_id: string | null;
  /** The call whose code made this one; null: the model or a person did. */
  readonly parent_tool_call_id: string | null;
  /** Place among the calls that the model writes in this attempt. */
  readonly index: number | null;
  readonly name: string;
  /** JSON text as far as the model has written it. */
  readonly arguments_text: string;
  /** Once a person or the client is asked. */
  readonly arguments: unknown;
  readonly phase: CallPhase;
  readonly status: string | null;
  /** Place in the line for a sandbox, from 1; null: it does not stand there. */
  readonly queue_position: number | null;
  readonly data: ToolCallData | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly approval: ApprovalEntry | null;
  readonly file_ids: readonly string[];
}

/** What a round's model says. */
export interface TurnEntry {
  readonly content: string;
  readonly reasoning: string;
  readonly calls: readonly CallEntry[];
}

export interface ExpertEntry extends TurnEntry {
  readonly model: string;
  readonly phase: 'speaking' | 'done' | 'failed';
  readonly error: string | null;
}

export interface CouncilEntry {
  readonly strategy: string;
  readonly experts: readonly ExpertEntry[];
  /** Why this answer; null: not decided yet. */
  readonly decided_by: string | null;
  /** The place of the expert whose turn it is; null: none's. */
  readonly chosen: number | null;
}

export interface RoundEntry extends TurnEntry {
  readonly round: number;
  /** Null: one model was asked. */
  readonly council: CouncilEntry | null;
}

export type RunPhase = 'queued' | 'running' | 'waiting' | 'ended';

/** As the event told it. */
export type Compaction = Omit<PayloadOf<'context_compacted'>, 'type'>;

export interface RunEntry {
  readonly type: 'run';
  readonly run_id: string;
  readonly phase: RunPhase;
  readonly model: string | null;
  readonly rounds: readonly RoundEntry[];
  readonly files: readonly FileObject[];
  /** Notices such as a lost interpreter state, in order. */
  readonly notices: readonly string[];
  /** Each time that the model's context was made shorter, in order. */
  readonly compactions: readonly Compaction[];
  readonly stop_reason: StopReason | null;
  readonly usage: RunResponse['usage'] | null;
  readonly error: string | null;
}

export interface MessageEntry {
  readonly type: 'message';
  readonly message_id: string;
  readonly content: string;
}

/** What a viewer of a session shows. */
export interface Transcript {
  /** Everything up to this seq is in it. */
  readonly seq: number;
  readonly entries: readonly (MessageEntry | RunEntry)[];
  /** The exported session that stands for what is no longer in the log. */
  readonly snapshot: unknown;
}

export const EMPTY_TRANSCRIPT: Transcript = { seq: 0, entries: [], snapshot: null };
