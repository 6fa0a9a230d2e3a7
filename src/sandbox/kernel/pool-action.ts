/** One kind of sandbox, as the pool counts it. */
export interface PoolProfile {
  readonly name: string;
  /** Booted ones that should stand ready. */
  readonly warm: number;
  /** The most that one may use. */
  readonly memoryBytes: number;
}

/** Over all profiles. Milliseconds and bytes. */
export interface PoolLimits {
  /** All there are: waiting, booting, used and ending. */
  readonly maximum: number;
  /** The sum of what all of them may use. */
  readonly memoryBytes: number;
  /** Claims that may wait for room. */
  readonly queueLength: number;
  readonly queueWaitMs: number;
  /** A waiting one older than this is replaced. */
  readonly maxAgeMs: number;
}

/** Why a claim gets nothing. `boot_failed` names the sandbox that did not come up. */
export type Refusal =
  | { readonly reason: 'queue_full' | 'waited_too_long' | 'closed' | 'never_fits' }
  | { readonly reason: 'boot_failed'; readonly kernel: number };

/** What has to be done now, in order. */
export type PoolAction =
  /** For this claim, or to stand ready. */
  | {
      readonly type: 'boot';
      readonly kernel: number;
      readonly profile: string;
      readonly claim: number | undefined;
    }
  | { readonly type: 'check'; readonly kernel: number }
  | { readonly type: 'destroy'; readonly kernel: number }
  | { readonly type: 'grant'; readonly claim: number; readonly kernel: number }
  /** `position` counts from 1. */
  | { readonly type: 'queued'; readonly claim: number; readonly position: number }
  | { readonly type: 'refuse'; readonly claim: number; readonly refusal: Refusal };
