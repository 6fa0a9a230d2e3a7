import type { SandboxOccupancy } from '../sandbox.js';
import type { PoolAction, PoolLimits, PoolProfile, Refusal } from './pool-action.js';
import { type PoolKernel, PoolKernels } from './pool-kernels.js';

interface Claim {
  readonly id: number;
  readonly profile: PoolProfile;
  readonly deadline: number;
  position: number | undefined;
}

/**
 * Decides which sandboxes are booted, handed out, replaced and ended, and who waits for one. Holds no
 * sandbox and does nothing itself: each event gives the actions that follow from it.
 *
 * A claim takes a waiting sandbox when there is one, else one is booted for it; for want of room it
 * stands in line, and sandboxes that wait for other profiles go. Refilling is done one at a time, and
 * only while nobody stands in line.
 */
export class PoolState {
  readonly #profiles: ReadonlyMap<string, PoolProfile>;
  readonly #kernels: PoolKernels;
  #claims: Claim[] = [];
  #lastClaim = 0;
  #refillFailed = false;
  #closed = false;
  #actions: PoolAction[] = [];

  constructor(
    profiles: readonly PoolProfile[],
    private readonly limits: PoolLimits,
  ) {
    this.#profiles = new Map(profiles.map((profile) => [profile.name, profile]));
    this.#kernels = new PoolKernels(limits);
  }

  /** The profile must be one of those given. */
  claim(profileName: string, now: number): { readonly claim: number; readonly actions: PoolAction[] } {
    const profile = this.#profiles.get(profileName);
    if (profile === undefined) throw new Error(`the pool has no profile ${profileName}`);
    this.#lastClaim += 1;
    const id = this.#lastClaim;
    this.#refillFailed = false;
    const { maximum, memoryBytes, queueLength, queueWaitMs } = this.limits;
    if (this.#closed) this.#refuse(id, { reason: 'closed' });
    else if (maximum < 1 || profile.memoryBytes > memoryBytes) this.#refuse(id, { reason: 'never_fits' });
    else this.#claims.push({ id, profile, deadline: now + queueWaitMs, position: undefined });
    this.#settle(now);
    const inLine = this.#inLine();
    if (inLine.length > queueLength && inLine.at(-1)?.id === id) {
      this.#claims.pop();
      this.#actions = this.#actions.filter((action) => action.type !== 'queued' || action.claim !== id);
      this.#refuse(id, { reason: 'queue_full' });
    }
    return { claim: id, actions: this.#take() };
  }

  /** One that is in use from the start, and takes room as any other, also where there is none. */
  adopt(profileName: string): number | undefined {
    const profile = this.#profiles.get(profileName);
    return profile === undefined ? undefined : this.#kernels.addUsed(profile).id;
  }

  /** Whoever claimed has gone away. */
  withdraw(claim: number, now: number): PoolAction[] {
    this.#claims = this.#claims.filter(({ id }) => id !== claim);
    this.#settle(now);
    return this.#take();
  }

  booted(id: number, now: number): PoolAction[] {
    const kernel = this.#kernels.get(id);
    if (kernel?.state === 'booting') {
      kernel.readySince = now;
      const own = kernel.claim;
      const claim =
        own === undefined
          ? this.#claims.find((each) => each.profile === kernel.profile && !this.#isBootedFor(each))
          : this.#claims.find((each) => each.id === own);
      if (claim !== undefined) this.#grant(claim, kernel);
      // Its labels name a session that does not want it any more.
      else if (own !== undefined || this.#closed) this.#end(kernel);
      else kernel.state = 'waiting';
    }
    this.#settle(now);
    return this.#take();
  }

  bootFailed(id: number, now: number): PoolAction[] {
    const kernel = this.#kernels.get(id);
    this.#kernels.remove(id);
    if (kernel !== undefined && kernel.claim === undefined) this.#refillFailed = true;
    const claim = this.#claims.find((each) => each.id === kernel?.claim);
    if (claim !== undefined) {
      this.#claims = this.#claims.filter((each) => each !== claim);
      this.#refuse(claim.id, { reason: 'boot_failed', kernel: id });
    }
    this.#settle(now);
    return this.#take();
  }

  /** How the check of a waiting one ended. */
  checked(id: number, healthy: boolean, now: number): PoolAction[] {
    const kernel = this.#kernels.get(id);
    if (kernel?.state === 'checking') {
      const claim = this.#claims.find((each) => each.id === kernel.claim);
      kernel.claim = undefined;
      if (!healthy || this.#closed) this.#end(kernel);
      else if (claim === undefined) kernel.state = 'waiting';
      else this.#grant(claim, kernel);
    }
    this.#settle(now);
    return this.#take();
  }

  /** It answers nobody any more, but takes room until it is gone. */
  lost(id: number, now: number): PoolAction[] {
    const kernel = this.#kernels.get(id);
    if (kernel !== undefined) kernel.state = 'ending';
    this.#settle(now);
    return this.#take();
  }

  /** It has ended, whoever ended it, and takes no room any more. */
  gone(id: number, now: number): PoolAction[] {
    this.#kernels.remove(id);
    this.#settle(now);
    return this.#take();
  }

  /** Time passes: claims run out, waiting ones grow old, a failed refill is tried again. */
  tick(now: number): PoolAction[] {
    this.#refillFailed = false;
    this.#settle(now);
    return this.#take();
  }

  /** Nothing is handed out or booted from now on; the waiting ones end. */
  close(now: number): PoolAction[] {
    this.#closed = true;
    for (const claim of this.#claims) this.#refuse(claim.id, { reason: 'closed' });
    this.#claims = [];
    for (const kernel of this.#kernels.of('waiting')) this.#end(kernel);
    this.#settle(now);
    return this.#take();
  }

  occupancy(): SandboxOccupancy {
    return {
      ready: this.#kernels.of('waiting').length,
      booting: this.#kernels.of('booting').length,
      used: this.#kernels.of('used').length + this.#kernels.of('checking').length,
      queued: this.#inLine().length,
    };
  }

  /** Whether all that should stand ready does, or cannot. */
  isSettled(): boolean {
    return this.#kernels.of('booting').length === 0;
  }

  #settle(now: number): void {
    if (this.#closed) return;
    this.#expire(now);
    this.#serve();
    this.#dropOld(now);
    this.#refill(now);
    this.#tellPositions();
  }

  #expire(now: number): void {
    for (const claim of this.#inLine()) {
      if (claim.deadline > now) continue;
      this.#claims = this.#claims.filter((each) => each !== claim);
      this.#refuse(claim.id, { reason: 'waited_too_long' });
    }
  }

  /** In order: one that stands in line for room is not overtaken by one that would boot. */
  #serve(): void {
    for (const claim of this.#unserved()) {
      const [ready] = this.#kernels.of('waiting', claim.profile);
      if (ready === undefined) continue;
      ready.state = 'checking';
      ready.claim = claim.id;
      this.#actions.push({ type: 'check', kernel: ready.id });
    }
    for (const claim of this.#inLine()) {
      if (!this.#kernels.hasRoom(claim.profile)) {
        this.#makeRoom(claim.profile);
        return;
      }
      this.#boot(claim.profile, claim.id);
    }
  }

  #makeRoom(profile: PoolProfile): void {
    const ending = this.#kernels.of('ending');
    const waiting = this.#kernels.of('waiting');
    if (!this.#kernels.hasRoom(profile, [...ending, ...waiting])) return;
    for (const kernel of waiting) {
      if (this.#kernels.hasRoom(profile, ending)) return;
      this.#end(kernel);
      ending.push(kernel);
    }
  }

  /** An old one goes when its successor stands ready, or at once when there is no room for both. */
  #dropOld(now: number): void {
    for (const profile of this.#profiles.values()) {
      const waiting = this.#kernels.of('waiting', profile);
      const old = waiting.filter((kernel) => this.#kernels.isOld(kernel, now));
      const tooMany = waiting.length - profile.warm;
      const stuck =
        old.length > 0 && !this.#kernels.hasRoom(profile) && this.#kernels.of('ending').length === 0 ? 1 : 0;
      for (const kernel of old.slice(0, Math.max(tooMany, stuck))) this.#end(kernel);
    }
  }

  #refill(now: number): void {
    if (this.#refillFailed || this.#claims.length > 0 || this.#kernels.of('booting').length > 0) return;
    for (const profile of this.#profiles.values()) {
      const ready = this.#kernels
        .of('waiting', profile)
        .filter((kernel) => !this.#kernels.isOld(kernel, now));
      if (ready.length >= profile.warm || !this.#kernels.hasRoom(profile)) continue;
      this.#boot(profile, undefined);
      return;
    }
  }

  #tellPositions(): void {
    for (const [index, claim] of this.#inLine().entries()) {
      if (claim.position === index + 1) continue;
      claim.position = index + 1;
      this.#actions.push({ type: 'queued', claim: claim.id, position: index + 1 });
    }
  }

  #isBootedFor({ id }: Claim): boolean {
    return this.#kernels.comingFor(id)?.state === 'booting';
  }

  /** Claims for which no sandbox is booted or checked. */
  #unserved(): Claim[] {
    return this.#claims.filter(({ id }) => this.#kernels.comingFor(id) === undefined);
  }

  /** Those of them for which no refill comes either. */
  #inLine(): Claim[] {
    const refilling = this.#kernels.of('booting').filter((kernel) => kernel.claim === undefined);
    return this.#unserved().filter((claim) => {
      const coming = refilling.findIndex((kernel) => kernel.profile === claim.profile);
      if (coming >= 0) refilling.splice(coming, 1);
      return coming < 0;
    });
  }

  #boot(profile: PoolProfile, claim: number | undefined): void {
    const { id } = this.#kernels.addBooting(profile, claim);
    this.#actions.push({ type: 'boot', kernel: id, profile: profile.name, claim });
  }

  #grant(claim: Claim, kernel: PoolKernel): void {
    kernel.state = 'used';
    kernel.claim = undefined;
    this.#claims = this.#claims.filter((each) => each !== claim);
    this.#actions.push({ type: 'grant', claim: claim.id, kernel: kernel.id });
  }

  #refuse(claim: number, refusal: Refusal): void {
    this.#actions.push({ type: 'refuse', claim, refusal });
  }

  #end(kernel: PoolKernel): void {
    kernel.state = 'ending';
    this.#actions.push({ type: 'destroy', kernel: kernel.id });
  }

  #take(): PoolAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}
