import type { CouncilStrategy } from '../council-event.js';
import type { Engine } from '../engine.js';

/** A model by its name, alone; it is asked without `model`. */
export interface Expert {
  readonly name: string;
  readonly engine: Engine;
}

/** Who is asked, and how the answer comes about. */
export interface Council {
  readonly experts: readonly Expert[];
  readonly strategy: CouncilStrategy;
  /** Who judges or merges; needed by these strategies only. */
  readonly judge: Expert;
  readonly expertTimeoutMs: number;
}
