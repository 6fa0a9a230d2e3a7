import { DomainError, messageOf } from '../../errors.js';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import type { SandboxOccupancy, SandboxProtections, SandboxSpec, SandboxWalls } from '../sandbox.js';
import { bootFailure } from './boot-failure.js';
import { bootContainer, type ContainerTerms, takeOverContainer } from './booted-container.js';
import type { EngineClient } from './docker-client.js';
import { dockerProtections, type ProfileKnowledge, unavailable } from './docker-protections.js';
import { type DockerSandboxOptions, profilesOf, type SandboxProfile } from './docker-sandbox-options.js';
import { type EngineAnswer, probeEngine } from './engine-probe.js';
import { HostSockets } from './host-sockets.js';
import { ownerLabels } from './janitor.js';
import type { KeptSandbox } from './kept-sandboxes.js';
import type { ProcessPlace } from './process-place.js';
import { probeProfile } from './profile-probe.js';
import { missingWalls, proveWalls } from './wall-proof.js';

/** Makes sandboxes of each profile and knows what holds for them: asked of the engine, then seen in the first one. */
export class DockerSandboxMaker {
  readonly #profiles: ReadonlyMap<string, SandboxProfile>;
  readonly #problems = new Map<string, string>();
  /** Of profiles that never worked: why their first sandbox did not come up. */
  readonly #failures = new Map<string, string>();
  readonly #walls = new Map<string, SandboxWalls>();
  readonly #hostSockets: HostSockets;
  #answer: EngineAnswer = { reason: 'The Docker engine has not answered yet.' };
  #probedAt = 0;
  #probing: Promise<void> | undefined;
  #retrying: Promise<void> | undefined;
  #said = '';

  constructor(
    private readonly engine: EngineClient,
    private readonly options: DockerSandboxOptions,
    private readonly self: ProcessPlace,
    private readonly log: (message: string) => void,
  ) {
    this.#profiles = profilesOf(options);
    this.#hostSockets = new HostSockets(engine.address, log);
  }

  protections(occupancy: SandboxOccupancy): SandboxProtections {
    const { facts, reason } = this.#answer;
    if (facts === undefined) return { ...unavailable(reason), occupancy };
    const known = new Map<string, ProfileKnowledge>();
    for (const [name, profile] of this.#profiles) {
      const problem = this.#problems.get(name) ?? this.#failures.get(name);
      known.set(name, { profile, problem, walls: this.#walls.get(name) });
    }
    return dockerProtections(facts, known, occupancy);
  }

  /** Whether the engine did when it was last asked. */
  answers(): boolean {
    return this.#answer.facts !== undefined;
  }

  probeAge(): number {
    return performance.now() - this.#probedAt;
  }

  /** Asks the engine; never rejects. */
  probe(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** Asks the engine again, and tries again what never worked; never rejects. */
  probeAgain(): Promise<void> {
    this.#retrying ??= this.#retry().finally(() => {
      this.#retrying = undefined;
    });
    return this.#retrying;
  }

  /** Resolves when nothing is being asked or tried. */
  async settled(): Promise<void> {
    await this.#retrying;
    await this.#probing;
  }

  /** Rejects with a DomainError that says what is missing and what to do. */
  async boot(profileName: string, spec: SandboxSpec | undefined): Promise<BootedKernel> {
    const profile = this.#profile(profileName);
    // Whoever claims is told what the engine says now; nothing is refilled while something speaks against it.
    if (spec === undefined) await this.#checkRefill(profileName, profile);
    let container: BootedKernel | undefined;
    try {
      container = await bootContainer(this.#terms(), { ...profile, name: profileName }, this.#labels(spec));
      await this.#prove(profileName, container);
      if (!this.answers()) void this.probe();
      return container;
    } catch (error) {
      await container?.destroy();
      await this.probe();
      const known = this.#reason(profileName);
      const failure = bootFailure(error, profile, known);
      if (known === undefined && !this.#walls.has(profileName))
        this.#failures.set(profileName, failure.message);
      throw failure;
    }
  }

  /** One that an earlier process left and that was made this one's. Rejects, and it is removed, where it does not answer. */
  async takeOver(kept: KeptSandbox): Promise<BootedKernel> {
    const { outliving } = this.options;
    if (outliving === undefined) throw new Error('no sandbox outlives its process here');
    // The limits of a profile that is no more are in the container; the default one says what is asked of it here.
    const profile = this.#profiles.get(kept.profile) ?? this.options;
    return takeOverContainer(this.#terms(), outliving, { ...profile, name: kept.profile }, kept);
  }

  #terms(): ContainerTerms {
    const { outliving } = this.options;
    return { docker: this.engine.docker, outliving, hostSockets: this.#hostSockets, log: this.log };
  }

  async #checkRefill(profileName: string, profile: SandboxProfile): Promise<void> {
    if (this.#reason(profileName) === undefined) return;
    await this.probe();
    const reason = this.#reason(profileName);
    if (reason !== undefined) throw bootFailure(new Error(reason), profile, reason);
  }

  /** What the engine does not tell of itself shows only in a start: its devices, its other runtimes, a foreign image. */
  async proveUnusual(): Promise<void> {
    for (const [name, { gpus, runtime, image }] of this.#profiles) {
      const usual = gpus === undefined && runtime === undefined && image.startsWith('gantry-sandbox');
      if (!usual && !this.#walls.has(name) && this.#reason(name) === undefined) await this.#try(name);
    }
  }

  async #retry(): Promise<void> {
    await this.probe();
    for (const name of this.#failures.keys()) {
      if (this.#reason(name) === undefined) await this.#try(name);
    }
  }

  async #try(profileName: string): Promise<void> {
    try {
      const container = await this.boot(profileName, undefined);
      await container.destroy();
    } catch (error) {
      this.log(`sandboxes of profile ${profileName} are off: ${messageOf(error)}`);
    }
  }

  async #probe(): Promise<void> {
    const answer = await probeEngine(this.engine.docker, this.engine.address);
    for (const [name, profile] of this.#profiles) {
      if (answer.facts === undefined) break;
      const { docker } = this.engine;
      const problem = await probeProfile(docker, answer.facts, profile, this.options.kernelVersion);
      if (problem === undefined) this.#problems.delete(name);
      else this.#problems.set(name, problem);
    }
    this.#answer = answer;
    this.#probedAt = performance.now();
    this.#tell();
  }

  /** Only what is news. */
  #tell(): void {
    const { facts, reason } = this.#answer;
    const off = [...this.#problems].map(([name, problem]) => `profile ${name} is off: ${problem}`);
    const on = `Docker sandboxes are on (engine ${facts?.version ?? ''}, ${facts?.architecture ?? ''})`;
    const said = facts === undefined ? `Docker sandboxes are off: ${reason}` : [on, ...off].join('; ');
    if (said !== this.#said) this.log(said);
    this.#said = said;
  }

  #reason(profileName: string): string | undefined {
    return this.#answer.reason ?? this.#problems.get(profileName);
  }

  #profile(name: string): SandboxProfile {
    const profile = this.#profiles.get(name);
    if (profile === undefined) throw new Error(`there is no sandbox profile ${name}`);
    return profile;
  }

  #labels(spec: SandboxSpec | undefined): Record<string, string> {
    const owner = ownerLabels(this.options.instanceId, this.self);
    if (spec === undefined) return { ...owner, 'gantry.session': '' };
    const { sessionId, runId, generation } = spec;
    return {
      ...owner,
      'gantry.session': sessionId,
      'gantry.run': runId,
      'gantry.generation': String(generation),
    };
  }

  /** Once for each profile, in its first sandbox. */
  async #prove(profileName: string, container: BootedKernel): Promise<void> {
    if (this.#walls.has(profileName)) return;
    if (!container.kernel.filtered) this.log('the second system call filter of a sandbox is off');
    const walls = await proveWalls(container);
    if (walls === undefined) {
      this.log(`the walls of a sandbox of profile ${profileName} could not be looked at`);
      this.#failures.delete(profileName);
      return;
    }
    const missing = missingWalls(walls);
    if (missing.length > 0) {
      throw new DomainError(
        'unavailable',
        `The Docker engine started a sandbox without its walls (${missing.join(', ')}), so none is used.`,
        { reason: 'sandbox_unavailable' },
      );
    }
    this.#walls.set(profileName, walls);
    this.#failures.delete(profileName);
    this.log(
      `a sandbox of profile ${profileName} sees ${walls.systemCallFilters} system call filter(s), ${walls.memoryBytes ?? 'no limit of'} bytes of memory, ${walls.processes ?? 'no limit of'} processes`,
    );
  }
}
