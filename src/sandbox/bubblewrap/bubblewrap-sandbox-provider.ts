import { DomainError, messageOf } from '../../errors.js';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { listFiles } from '../kernel/kernel-files.js';
import { SandboxPool } from '../kernel/sandbox-pool.js';
import { SessionKernels } from '../kernel/session-kernels.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import { bootSandbox } from './booted-sandbox.js';
import type { BubblewrapSandboxOptions } from './bubblewrap-sandbox-options.js';
import type { BubblewrapMachine } from './bubblewrap-machine.js';
import { probe } from './probe.js';
import { unavailable } from './protections.js';
import { rootFileSystemProblem } from './root-file-system.js';
import type { SandboxPlace } from './sandbox-place.js';

const PROBE_AGAIN_MS = 10_000;
const PROFILE = 'python';

/** Sandboxes in namespaces of this machine, one a session, made with bubblewrap; no engine is needed. Linux only. */
export class BubblewrapSandboxProvider implements SandboxProvider {
  readonly #pool: SandboxPool<SandboxSpec>;
  readonly #sessions: SessionKernels;
  readonly #ready: Promise<void>;
  #place: SandboxPlace | undefined;
  #protections: SandboxProtections = unavailable('bubblewrap has not been tried yet.');
  #probedAt = 0;
  #probing: Promise<SandboxProtections> | undefined;
  #closed = false;

  constructor(
    private readonly options: BubblewrapSandboxOptions,
    private readonly log: (message: string) => void,
    private readonly machine: BubblewrapMachine,
  ) {
    const { poolSize, memoryBytes, limits, idleMs } = options;
    this.#pool = new SandboxPool<SandboxSpec>({
      profiles: [{ name: PROFILE, warm: poolSize, memoryBytes }],
      limits,
      boot: () => this.#boot(),
      check: (kernel) => answers(kernel),
      log,
    });
    this.#sessions = new SessionKernels((spec) => this.#make(spec), idleMs);
    this.#ready = this.#start();
  }

  /** What the last probe found. What was missing is looked for again, in the background. */
  protections(): SandboxProtections {
    if (!this.#protections.available && !this.#closed && Date.now() - this.#probedAt > PROBE_AGAIN_MS) {
      void this.#probe();
    }
    return this.#protections;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  acquire(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox> {
    return this.#sessions.acquire(spec, signal);
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
    if ((await this.#probe()).available) await this.#pool.fill();
  }

  async #make(spec: SandboxSpec): Promise<BootedKernel> {
    await this.#ready;
    return this.#pool.claim(PROFILE, spec);
  }

  async #boot(): Promise<BootedKernel> {
    try {
      const { available, reason } = this.#protections.available ? this.#protections : await this.#probe();
      if (!available || this.#place === undefined) throw new Error(reason);
      return await bootSandbox(this.#place, this.options, 'preloaded');
    } catch (error) {
      const problem = await rootFileSystemProblem(this.options.rootFileSystem);
      throw new DomainError('unavailable', problem ?? messageOf(error), {
        reason: 'sandbox_unavailable',
        cause: error,
      });
    }
  }

  #probe(): Promise<SandboxProtections> {
    this.#probing ??= this.#look().then((protections) => {
      if (protections.available !== this.#protections.available || this.#probedAt === 0) {
        this.log(
          protections.available
            ? 'bubblewrap sandboxes are on'
            : `bubblewrap sandboxes are off: ${protections.reason ?? ''}`,
        );
      }
      this.#protections = protections;
      this.#probedAt = Date.now();
      this.#probing = undefined;
      return protections;
    });
    return this.#probing;
  }

  /** Cheap looks first; a sandbox is booted only where nothing is missing. */
  async #look(): Promise<SandboxProtections> {
    const problem = await rootFileSystemProblem(this.options.rootFileSystem);
    if (problem !== undefined) return unavailable(problem);
    if (this.#place === undefined) {
      const found = await this.machine.look();
      if (found.kind === 'unusable') return unavailable(found.reason);
      this.#place = found.place;
    }
    return probe(this.#place, this.options);
  }
}

/** Whether one that waited is as it was: alive and empty. */
async function answers(kernel: BootedKernel): Promise<boolean> {
  try {
    return (await listFiles(kernel.connection)).length === 0;
  } catch {
    return false;
  }
}
