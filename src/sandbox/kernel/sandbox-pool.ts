import { DomainError, messageOf } from '../../errors.js';
import type { SandboxOccupancy } from '../sandbox.js';
import type { BootedKernel } from './booted-kernel.js';
import type { PoolAction, PoolLimits, PoolProfile, Refusal } from './pool-action.js';
import { PoolState } from './pool-state.js';

const TICK_MS = 15_000;

export interface SandboxPoolParts<Claimed> {
  readonly profiles: readonly PoolProfile[];
  readonly limits: PoolLimits;
  /** For whoever claims, or to stand ready. Rejects with what the claimant is told. */
  boot(profile: string, claimed: Claimed | undefined): Promise<BootedKernel>;
  /** Whether one that waited still answers; never rejects. */
  check(kernel: BootedKernel): Promise<boolean>;
  log(message: string): void;
}

interface Claim<Claimed> {
  readonly claimed: Claimed;
  readonly settle: PromiseWithResolvers<BootedKernel>;
  readonly onQueued: (position: number) => void;
  deadline: NodeJS.Timeout | undefined;
}

/** Carries out what `PoolState` decides. Times are the monotonic clock's. */
export class SandboxPool<Claimed> {
  readonly #state: PoolState;
  readonly #kernels = new Map<number, BootedKernel>();
  readonly #claims = new Map<number, Claim<Claimed>>();
  readonly #failures = new Map<number, unknown>();
  readonly #toldFailures = new Map<string, string>();
  readonly #working = new Set<Promise<void>>();
  readonly #ticking: NodeJS.Timeout;
  #settled = Promise.withResolvers<void>();

  constructor(private readonly parts: SandboxPoolParts<Claimed>) {
    this.#state = new PoolState(parts.profiles, parts.limits);
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#ticking.unref();
  }

  /**
   * One that was just booted or answers still. Rejects with a DomainError `rate_limited` when there is no
   * room for too long, with the boot's own error, or with the signal's reason.
   */
  async claim(
    profile: string,
    claimed: Claimed,
    signal?: AbortSignal,
    onQueued: (position: number) => void = () => undefined,
  ): Promise<BootedKernel> {
    signal?.throwIfAborted();
    const settle = Promise.withResolvers<BootedKernel>();
    const { claim, actions } = this.#state.claim(profile, performance.now());
    this.#claims.set(claim, { claimed, settle, onQueued, deadline: undefined });
    this.#perform(actions);
    const withdraw = (): void => {
      if (!this.#claims.has(claim)) return;
      this.#finish(claim)?.settle.reject(signal?.reason);
      this.#perform(this.#state.withdraw(claim, performance.now()));
    };
    signal?.addEventListener('abort', withdraw, { once: true });
    return settle.promise.finally(() => signal?.removeEventListener('abort', withdraw));
  }

  /** Counts one that its owner has from elsewhere; of a profile that is no more, it is not counted. */
  adopt(profile: string, kernel: BootedKernel): void {
    const id = this.#state.adopt(profile);
    if (id === undefined) return;
    this.#kernels.set(id, kernel);
    kernel.connection.whenLost(() => this.#lose(id));
  }

  /** Resolves when all stand ready that should, or cannot be made; never rejects. */
  async fill(): Promise<void> {
    this.#tick();
    while (!this.#state.isSettled()) await this.#settled.promise;
  }

  occupancy(): SandboxOccupancy {
    return this.#state.occupancy();
  }

  /** Ends what waits and what is being booted; what was handed out is its owner's to end. */
  async close(): Promise<void> {
    clearInterval(this.#ticking);
    this.#perform(this.#state.close(performance.now()));
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  #tick(): void {
    this.#perform(this.#state.tick(performance.now()));
  }

  #perform(actions: readonly PoolAction[]): void {
    for (const action of actions) this.#performOne(action);
    if (!this.#state.isSettled()) return;
    this.#settled.resolve();
    this.#settled = Promise.withResolvers<void>();
  }

  #performOne(action: PoolAction): void {
    switch (action.type) {
      case 'boot':
        this.#work(this.#boot(action));
        return;
      case 'check':
        this.#work(this.#check(action.kernel));
        return;
      case 'destroy':
        this.#work(this.#destroy(action.kernel));
        return;
      case 'grant':
        this.#grant(action);
        return;
      case 'queued':
        this.#queue(action);
        return;
      case 'refuse':
        this.#refuse(action.claim, action.refusal);
        return;
      default:
        action satisfies never;
    }
  }

  async #boot({ kernel: id, profile, claim }: Extract<PoolAction, { type: 'boot' }>): Promise<void> {
    const claimed = claim === undefined ? undefined : this.#claims.get(claim)?.claimed;
    try {
      const kernel = await this.parts.boot(profile, claimed);
      this.#kernels.set(id, kernel);
      this.#toldFailures.delete(profile);
      this.#perform(this.#state.booted(id, performance.now()));
      kernel.connection.whenLost(() => this.#lose(id));
    } catch (error) {
      if (claim === undefined) this.#tellFailure(profile, messageOf(error));
      this.#failures.set(id, error);
      this.#perform(this.#state.bootFailed(id, performance.now()));
      this.#failures.delete(id);
    }
  }

  async #check(id: number): Promise<void> {
    const kernel = this.#kernels.get(id);
    const healthy = kernel !== undefined && (await this.parts.check(kernel));
    if (!healthy) this.parts.log('a waiting sandbox did not answer and was replaced');
    this.#perform(this.#state.checked(id, healthy, performance.now()));
  }

  /** Once: a refill is tried again and again. */
  #tellFailure(profile: string, message: string): void {
    if (this.#toldFailures.get(profile) !== message)
      this.parts.log(`no warm sandbox of profile ${profile} could be made: ${message}`);
    this.#toldFailures.set(profile, message);
  }

  #lose(id: number): void {
    this.#perform(this.#state.lost(id, performance.now()));
    this.#work(this.#destroy(id));
  }

  /** Its room is free once it is gone. */
  async #destroy(id: number): Promise<void> {
    const kernel = this.#kernels.get(id);
    if (kernel === undefined) return;
    this.#kernels.delete(id);
    await kernel.destroy();
    this.#perform(this.#state.gone(id, performance.now()));
  }

  #grant({ claim, kernel }: Extract<PoolAction, { type: 'grant' }>): void {
    const granted = this.#kernels.get(kernel);
    if (granted !== undefined) this.#finish(claim)?.settle.resolve(granted);
  }

  #queue({ claim: id, position }: Extract<PoolAction, { type: 'queued' }>): void {
    const claim = this.#claims.get(id);
    if (claim === undefined) return;
    claim.deadline ??= setTimeout(() => this.#tick(), this.parts.limits.queueWaitMs + 1);
    claim.onQueued(position);
  }

  #refuse(id: number, refusal: Refusal): void {
    const error =
      refusal.reason === 'boot_failed'
        ? this.#failures.get(refusal.kernel)
        : refusalError(refusal.reason, this.parts.limits, this.occupancy());
    this.#finish(id)?.settle.reject(error);
  }

  #finish(id: number): Claim<Claimed> | undefined {
    const claim = this.#claims.get(id);
    clearTimeout(claim?.deadline);
    this.#claims.delete(id);
    return claim;
  }

  #work(work: Promise<void>): void {
    const tracked = work.finally(() => this.#working.delete(tracked));
    this.#working.add(tracked);
  }
}

function refusalError(
  reason: Exclude<Refusal['reason'], 'boot_failed'>,
  { maximum, memoryBytes, queueWaitMs, queueLength }: PoolLimits,
  { used, queued }: SandboxOccupancy,
): DomainError {
  const mebibytes = Math.floor(memoryBytes / 2 ** 20);
  const advice =
    'Try again later, delete sessions that are done, or raise GANTRY_SANDBOX_MAX or GANTRY_SANDBOX_TOTAL_MEMORY_MB.';
  const details = { used, queued, maximum, retryAfterMs: queueWaitMs };
  switch (reason) {
    case 'closed':
      return new DomainError('unavailable', 'The server is stopping.');
    case 'never_fits':
      return new DomainError(
        'unavailable',
        `No sandbox of this size fits into the ${maximum} sandboxes and ${mebibytes} MiB that this server may use: raise GANTRY_SANDBOX_MAX or GANTRY_SANDBOX_TOTAL_MEMORY_MB.`,
        { reason: 'sandbox_too_large' },
      );
    case 'queue_full':
      return new DomainError(
        'rate_limited',
        `All sandboxes are in use (${used}), and ${queueLength} others wait for one already. ${advice}`,
        { reason: 'sandboxes_exhausted', details },
      );
    case 'waited_too_long':
      return new DomainError(
        'rate_limited',
        `All sandboxes are in use (${used}), and none became free within ${Math.round(queueWaitMs / 1000)} s. ${advice}`,
        { reason: 'sandboxes_exhausted', details },
      );
    default:
      return reason satisfies never;
  }
}
