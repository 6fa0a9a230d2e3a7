import { DomainError, messageOf } from '../../errors.js';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { kernelAnswers } from '../kernel/kernel-health.js';
import { SandboxPool } from '../kernel/sandbox-pool.js';
import { SessionKernels } from '../kernel/session-kernels.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import { bootSandbox } from './booted-sandbox.js';
import type { BubblewrapMachine } from './bubblewrap-machine.js';
import { type BubblewrapSandboxOptions, DEFAULT_PROFILE, profilesOf } from './bubblewrap-sandbox-options.js';
import { probe } from './probe.js';
import { type Knowledge, protectionsOf } from './protections.js';
import { rootFileSystemProblem } from './root-file-system.js';
import type { SandboxPlace } from './sandbox-place.js';

const PROBE_AGAIN_MS = 10_000;
const CHECK_TIMEOUT_MS = 2000;

/** Sandboxes in namespaces of this machine, one a session, made with bubblewrap; no engine is needed. Linux only. */
export class BubblewrapSandboxProvider implements SandboxProvider {
  readonly #pool: SandboxPool<SandboxSpec>;
  readonly #sessions: SessionKernels;
  readonly #ready: Promise<void>;
  #place: SandboxPlace | undefined;
  #knowledge: Knowledge = {};
  #probedAt = 0;
  #probing: Promise<Knowledge> | undefined;
  #closed = false;

  constructor(
    private readonly options: BubblewrapSandboxOptions,
    private readonly log: (message: string) => void,
    private readonly machine: BubblewrapMachine,
  ) {
    this.#pool = new SandboxPool<SandboxSpec>({
      profiles: [...profilesOf(options)].map(([name, { poolSize, memoryBytes }]) => ({
        name,
        warm: poolSize,
        memoryBytes,
      })),
      limits: options.limits,
      boot: (profile) => this.#boot(profile),
      check: (kernel) => kernelAnswers(kernel, CHECK_TIMEOUT_MS),
      log,
    });
    this.#sessions = new SessionKernels(
      (spec, signal, onQueued) => this.#make(spec, signal, onQueued),
      options.idleMs,
      options.egress,
    );
    this.#ready = this.#start();
  }

  /** What the last probe found. What was missing is looked for again, in the background. */
  protections(): SandboxProtections {
    const protections = protectionsOf(this.#knowledge, this.options, this.#pool.occupancy());
    if (!protections.available && !this.#closed && Date.now() - this.#probedAt > PROBE_AGAIN_MS) {
      void this.#probe();
    }
    return protections;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  acquire(spec: SandboxSpec, signal?: AbortSignal, onQueued?: (position: number) => void): Promise<Sandbox> {
    return this.#sessions.acquire(spec, signal, onQueued);
  }

  current(sessionId: string): Sandbox | undefined {
    return this.#sessions.current(sessionId);
  }

  release(sessionId: string): Promise<void> {
    return this.#sessions.release(sessionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sessions.refuse();
    await this.#ready;
    await this.#probing;
    await this.#pool.close();
    await this.#sessions.close();
    await this.#place?.controlGroups?.close();
  }

  async #start(): Promise<void> {
    if ((await this.#probe()).problem === undefined) await this.#pool.fill();
  }

  async #make(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): Promise<BootedKernel> {
    const name = spec.profile ?? DEFAULT_PROFILE;
    const profiles = profilesOf(this.options);
    const profile = profiles.get(name);
    if (profile === undefined) {
      throw new DomainError(
        'unavailable',
        `This server has no sandbox profile ${name} any more; it has: ${[...profiles.keys()].join(', ')}.`,
        { reason: 'unknown_sandbox_profile' },
      );
    }
    if (profile.problem !== undefined) throw unavailableError(profile.problem);
    await this.#ready;
    return this.#pool.claim(name, spec, signal, onQueued);
  }

  async #boot(profile: string): Promise<BootedKernel> {
    const { problem } = this.#place === undefined ? await this.#probe() : this.#knowledge;
    const resources = profilesOf(this.options).get(profile);
    if (problem !== undefined || this.#place === undefined || resources === undefined) {
      throw unavailableError(problem ?? 'No bubblewrap sandbox can be had.');
    }
    try {
      return await bootSandbox(this.#place, this.options.rootFileSystem, resources, 'preloaded');
    } catch (error) {
      const missing = await rootFileSystemProblem(this.options.rootFileSystem);
      throw unavailableError(missing ?? `No sandbox could be started: ${messageOf(error)}`, error);
    }
  }

  #probe(): Promise<Knowledge> {
    this.#probing ??= this.#look().then((knowledge) => {
      if (this.#probedAt === 0 || knowledge.problem !== this.#knowledge.problem) {
        this.log(
          `bubblewrap sandboxes are ${knowledge.problem === undefined ? 'on' : `off: ${knowledge.problem}`}`,
        );
      }
      this.#knowledge = knowledge;
      this.#probedAt = Date.now();
      this.#probing = undefined;
      return knowledge;
    });
    return this.#probing;
  }

  /** Cheap looks first; a sandbox is booted only where nothing is missing. */
  async #look(): Promise<Knowledge> {
    const problem = await rootFileSystemProblem(this.options.rootFileSystem);
    if (problem !== undefined) return { problem };
    if (this.#place === undefined) {
      const found = await this.machine.look();
      if (found.kind === 'unusable') return { problem: found.reason };
      this.#place = found.place;
    }
    return probe(this.#place, this.options);
  }
}

function unavailableError(message: string, cause?: unknown): DomainError {
  return new DomainError('unavailable', message, { reason: 'sandbox_unavailable', cause });
}
