import type { EngineError } from './engine-error.js';
import type { EngineStopReason, TurnEvent, Usage } from './engine.js';

/**
 * How a council's answer comes about. `first`: the first usable turn. `vote`: the turn that most agree on. `judge`: a
 * model chooses. `merge`: a model writes one answer out of all.
 */
export type CouncilStrategy = 'first' | 'vote' | 'judge' | 'merge';

export interface CouncilTerms {
  readonly strategy?: CouncilStrategy;
  /** Who judges or merges; default: the first expert. */
  readonly judge?: string;
  /** For an expert's whole turn, and for the judge's. */
  readonly expertTimeoutMs?: number;
}

/** Why a turn was chosen: one of the strategies, or there was nothing to choose between. */
export type CouncilGround = CouncilStrategy | 'only_answer' | 'unanimous';

/** What a council tells beside its turn. Experts go by their place in its name, from 0. */
export type CouncilEvent =
  | {
      readonly type: 'council_started';
      readonly strategy: CouncilStrategy;
      readonly experts: readonly string[];
      readonly judge?: string;
    }
  | { readonly type: 'expert_delta'; readonly expert: number; readonly delta: TurnEvent }
  /** Exactly one for each expert; with an `error` it has no say. */
  | {
      readonly type: 'expert_done';
      readonly expert: number;
      readonly reason?: EngineStopReason;
      readonly error?: EngineError;
      readonly usage?: Usage;
    }
  /** Comes before the turn itself. `chosen` is absent when the turn is written anew. */
  | {
      readonly type: 'council_decided';
      readonly by: CouncilGround;
      readonly chosen?: number;
      /** How many gave the turn that was chosen by vote. */
      readonly votes?: number;
      /** Why the judge had no say, so that a vote decided. */
      readonly judgeError?: EngineError;
    };

const TYPES: ReadonlySet<string> = new Set<CouncilEvent['type']>([
  'council_started',
  'expert_delta',
  'expert_done',
  'council_decided',
]);

export function isCouncilEvent(event: { readonly type: string }): event is CouncilEvent {
  return TYPES.has(event.type);
}
