import { DomainError, messageOf } from '../../errors.js';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { PooledSandboxes } from '../kernel/pooled-sandboxes.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import { bootSandbox } from './booted-sandbox.js';
import type { BubblewrapMachine } from './bubblewrap-machine.js';
import { type BubblewrapSandboxOptions, profilesOf } from './bubblewrap-sandbox-options.js';
import { probe } from './probe.js';
import { type Knowledge, protectionsOf } from './protections.js';
import { rootFileSystemProblem } from './root-file-system.js';
import type { SandboxPlace } from './sandbox-place.js';

const PROBE_AGAIN_MS = 10_000;

/** Sandboxes in namespaces of this machine, one a session, made with bubblewrap; no engine is needed. Linux only. */
export class BubblewrapSandboxProvider implements SandboxProvider {
  readonly #sandboxes: PooledSandboxes;
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
    this.#sandboxes = new PooledSandboxes({
      profiles: profilesOf(options),
      limits: options.limits,
      idleMs: options.idleMs,
      egress: options.egress,
      boot: (profile) => this.#boot(profile),
      start: (fill) => this.#start(fill),
      log,
    });
  }

  /** What the last probe found. What was missing is looked for again, in the background. */
  protections(): SandboxProtections {
    const protections = protectionsOf(this.#knowledge, this.options, this.#sandboxes.occupancy());
    if (!protections.available && !this.#closed && performance.now() - this.#probedAt > PROBE_AGAIN_MS) {
      void this.#probe();
    }
    return protections;
  }

  ready(): Promise<void> {
    return this.#sandboxes.ready();
  }

  acquire(spec: SandboxSpec, signal?: AbortSignal, onQueued?: (position: number) => void): Promise<Sandbox> {
    return this.#sandboxes.acquire(spec, signal, onQueued);
  }

  recover(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox | undefined> {
    return this.#sandboxes.recover(spec, signal);
  }

  current(sessionId: string): Sandbox | undefined {
    return this.#sandboxes.current(sessionId);
  }

  release(sessionId: string): Promise<void> {
    return this.#sandboxes.release(sessionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sandboxes.close();
    await this.#probing;
    await this.#place?.controlGroups?.close();
  }

  async #start(fill: () => Promise<void>): Promise<void> {
    if ((await this.#probe()).problem === undefined) await fill();
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
      this.#probedAt = performance.now();
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
