import type { ChatMessage, Usage } from '../engine/engine.js';
import type { RunOptions } from '../runs/run-request.js';
import type { RunKind } from '../runs/run-state.js';
import type { ToolCallState } from '../runs/tool-call-state.js';
import type { ContextMark } from './context/context-mark.js';

/** One call of the current round, as committed. */
export interface CallSnapshot {
  readonly id: string;
  /** The call whose code made this one; the loop itself sees only calls without one. */
  readonly parentId: string | null;
  readonly round: number;
  readonly index: number;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
  readonly state: ToolCallState;
  readonly attempt: number;
  readonly resultContent: string | null;
}

/** What the interrupted attempt of this round's inference had committed. */
export interface PartialTurn {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly arguments: string;
    readonly complete: boolean;
  }[];
}

/** An earlier call of the same run, for spotting repeats. */
export interface PastCall {
  readonly round: number;
  readonly index: number;
  readonly name: string;
  readonly argumentsHash: string;
  readonly state: ToolCallState;
  readonly resultContent: string;
}

/** Where what a message shows can be read. */
export type Shown =
  | { readonly from: 'files'; readonly fileIds: readonly string[] }
  /** That the call's result brought. */
  | { readonly from: 'pictures'; readonly callId: string };

/** A message of the conversation, and what it shows beside its text. */
export type SnapshotMessage = ChatMessage & { readonly shows?: Shown };

/** Everything the next step depends on, read back from what was committed. */
export interface RunSnapshot {
  readonly runId: string;
  readonly sessionId: string;
  readonly owner: string;
  readonly generation: number;
  readonly kind: RunKind;
  readonly options: RunOptions;
  /** Zero-based; the round being inferred or whose calls are being worked. */
  readonly round: number;
  readonly attempt: number;
  readonly toolCallCount: number;
  /** Milliseconds worked by earlier claims. */
  readonly activeMs: number;
  readonly usage: Usage;
  readonly cancelRequestedBy: string | null;
  /** The conversation in order, this run's finished rounds included. */
  readonly messages: readonly SnapshotMessage[];
  /** Where in `messages` the turn in work begins. */
  readonly turnStart: number;
  /** What of `messages` the model is shown. */
  readonly context: ContextMark;
  /** Whether this round's assistant message is committed. */
  readonly turnCommitted: boolean;
  /** How that message ended. */
  readonly finishReason: 'stop' | 'tool_calls' | 'length' | null;
  readonly calls: readonly CallSnapshot[];
  readonly pastCalls: readonly PastCall[];
  readonly partial: PartialTurn | undefined;
  /** User messages queued by `run.steer`, oldest first. */
  readonly steering: readonly { readonly id: string; readonly text: string }[];
}
