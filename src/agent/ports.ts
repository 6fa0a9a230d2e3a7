import type { Engine, ToolSpec, Usage } from '../engine/engine.js';
import type { ContextCounts, EngineError, InterruptionCause } from '../engine/engine-error.js';
import type { Media } from '../engine/media.js';
import type { CouncilPayload } from '../events/council-payloads.js';
import type { PayloadOf, StopReason } from '../events/event.js';
import type { ContextMark } from './context/context-mark.js';
import type { ToolTraits } from './next-step.js';
import type { RecoveryPlan } from './recovery-plan.js';
import type { CallSnapshot, RunSnapshot, Shown } from './snapshot.js';

/** What there is to say of a round's inference beside its text. */
export type InferenceNotice =
  Exclude<CouncilPayload, { type: 'expert_chunk' }> | PayloadOf<'inference_retry' | 'model_fallback'>;

/** The model's whole turn, as it becomes part of the conversation. */
export interface CommittedTurn {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finishReason: 'stop' | 'tool_calls' | 'length';
  readonly usage: Usage;
  /** Who wrote it, where it is not the one that the run is for. */
  readonly model?: string;
}

/** What policy and validation make of a proposed call. `content` is what the model reads. */
export type Judgement =
  | { readonly type: 'approved' }
  | { readonly type: 'ask' }
  | { readonly type: 'denied'; readonly content: string }
  | { readonly type: 'rejected'; readonly content: string }
  /** The client's to execute, after the run. */
  | { readonly type: 'returned' }
  /** The same call succeeded before and nothing has happened since that could change its answer. */
  | { readonly type: 'answered'; readonly content: string };

/** Of a call that the server executes. */
export type ServerCallJudgement = Exclude<Judgement, { readonly type: 'returned' }>;

export interface RunFailure {
  readonly code: string;
  readonly message: string;
  /** Of a `context_overflow`. */
  readonly context?: ContextCounts;
}

/** A context that was made shorter. */
export interface Compaction {
  readonly mark: ContextMark;
  /** The run's, that of the summary included. */
  readonly usage: Usage;
  readonly event: PayloadOf<'context_compacted'>;
}

/**
 * The run's memory. Every method but `load` and `write` is one transaction with its events, guarded by
 * the run's generation; each rejects with FencedError once the run is another worker's.
 */
export interface RunJournal {
  load(): Promise<RunSnapshot>;
  write(payload: PayloadOf<'chunk' | 'raw' | 'expert_chunk'>): Promise<void>;
  /** All written chunks are committed. */
  drain(): Promise<void>;
  /** Opens the next attempt of this round's inference on what `plan` keeps of the last one. */
  beginAttempt(snapshot: RunSnapshot, plan: RecoveryPlan, cause: InterruptionCause): Promise<void>;
  queued(position: number): Promise<void>;
  /** From now on the session is shown to the model as the mark says. */
  compact(compaction: Compaction): Promise<void>;
  /** After all chunks that were written before. */
  tell(payload: InferenceNotice): Promise<void>;
  /** The run's usage, with that of an attempt whose turn is not committed. */
  spend(usage: Usage): Promise<void>;
  commitTurn(snapshot: RunSnapshot, turn: CommittedTurn): Promise<void>;
  judge(call: CallSnapshot, judgement: Judgement): Promise<void>;
  advanceRound(snapshot: RunSnapshot): Promise<void>;
  /** False: an answer or a cancel came in the meantime, so go on. */
  wait(snapshot: RunSnapshot, kind: 'approval' | 'client'): Promise<boolean>;
  /** False: the run was steered in the meantime, so go on. */
  finish(stopReason: StopReason): Promise<boolean>;
  /** Ends the run with the round's returned calls as its answer; results of the round's other calls are kept. */
  returnCalls(snapshot: RunSnapshot): Promise<void>;
  cancel(): Promise<void>;
  fail(failure: RunFailure): Promise<void>;
}

/** The tools as this run sees them. */
export interface RunTools extends ToolTraits {
  specs(): readonly ToolSpec[];
  judge(call: CallSnapshot, snapshot: RunSnapshot): Promise<Judgement>;
  /** Starts, streams and commits one call; settles when its result is committed. Never rejects for a tool's failure. */
  execute(call: CallSnapshot, snapshot: RunSnapshot, signal: AbortSignal): Promise<void>;
  /** Serial calls of a round run one after the other. */
  isSerial(name: string): boolean;
}

/** Reads what messages show; what is no longer there is left out. Pictures and sounds that no model takes, too. */
export interface ShownMedia {
  read(shown: Shown): Promise<readonly Media[]>;
}

export interface RunPorts {
  readonly media: ShownMedia;
  readonly journal: RunJournal;
  readonly tools: RunTools;
  readonly engine: Engine;
  /** Counts what is tried again. */
  readonly onRetry: (failure: EngineError) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Settles after about `ms`, at once when aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number;
}
