import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { DomainError, messageOf } from '../../errors.js';
import { newId } from '../../ids.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { KernelPool } from '../kernel/kernel-pool.js';
import { SessionKernels } from '../kernel/session-kernels.js';
import { bootContainer } from './booted-container.js';
import { dockerClient } from './docker-client.js';
import type { DockerSandboxOptions } from './docker-sandbox-options.js';
import { probeEngine } from './engine-probe.js';
import { PROCESS_LABEL, removeContainersOf, sweepContainers } from './janitor.js';

const PROBE_AGAIN_MS = 10_000;
/** Longer than any engine takes from a container's creation to its start. */
const SETTLE_MS = 3000;

/** Sandboxes in containers of a Docker engine, one a session. Never pulls an image, never waits for one. */
export class DockerSandboxProvider implements SandboxProvider {
  readonly #docker: Docker;
  readonly #pool: KernelPool;
  readonly #sessions: SessionKernels;
  readonly #ready: Promise<void>;
  readonly #process = newId('work');
  #sweeping: Promise<void> = Promise.resolve();
  #protections: SandboxProtections = {
    provider: 'docker',
    available: false,
    reason: 'The Docker engine has not answered yet.',
    network: 'not_applicable',
    notes: [],
  };
  #probedAt = 0;
  #probing: Promise<SandboxProtections> | undefined;
  #closed = false;

  constructor(
    private readonly options: DockerSandboxOptions,
    private readonly log: (message: string) => void,
  ) {
    this.#docker = dockerClient(options.dockerHost);
    this.#pool = new KernelPool(options.poolSize, () => this.#bootWith({ 'gantry.session': '' }), log);
    this.#sessions = new SessionKernels((spec) => this.#make(spec), options.idleMs);
    this.#ready = this.#start();
  }

  /** What the last probe found. An engine that was missing is looked for again, in the background. */
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
    await Promise.all([this.#pool.close(), this.#sweeping]);
    await this.#sessions.close();
    // What the engine lost sight of while it could not be reached.
    await removeContainersOf(this.#docker, this.#process).catch(() => undefined);
  }

  async #start(): Promise<void> {
    if (!(await this.#probe()).available) return;
    this.#sweeping = this.#sweep();
    await this.#pool.fill();
  }

  /** Beside the start: only the end waits for it. Never rejects. */
  async #sweep(): Promise<void> {
    try {
      const settle = () => delay(SETTLE_MS);
      const swept = await sweepContainers(this.#docker, this.options.instanceId, settle);
      if (swept > 0) this.log(`removed ${swept} sandbox container(s) that an earlier run left`);
    } catch (error) {
      this.log(`old sandbox containers could not be swept: ${messageOf(error)}`);
    }
  }

  async #make(spec: SandboxSpec): Promise<BootedKernel> {
    await this.#ready;
    const warm = this.#pool.take();
    const container = warm ?? (await this.#boot(spec));
    if (warm !== undefined) void warm.rename(containerName(spec, warm.id));
    void this.#pool.fill();
    return container;
  }

  async #boot(spec: SandboxSpec): Promise<BootedKernel> {
    try {
      return await this.#bootWith({
        'gantry.session': spec.sessionId,
        'gantry.run': spec.runId,
        'gantry.generation': String(spec.generation),
      });
    } catch (error) {
      const { reason } = await this.#probe();
      throw new DomainError('unavailable', reason ?? `No sandbox could be started: ${messageOf(error)}`, {
        reason: 'sandbox_unavailable',
        cause: error,
      });
    }
  }

  async #bootWith(labels: Readonly<Record<string, string>>): Promise<BootedKernel> {
    const container = await bootContainer(this.#docker, this.options, {
      ...labels,
      [PROCESS_LABEL]: this.#process,
    });
    if (!container.kernel.filtered) this.log('the second system call filter of a sandbox is off');
    return container;
  }

  #probe(): Promise<SandboxProtections> {
    this.#probing ??= probeEngine(this.#docker, this.options).then((protections) => {
      if (protections.available !== this.#protections.available || this.#probedAt === 0) {
        this.log(
          protections.available
            ? 'Docker sandboxes are on'
            : `Docker sandboxes are off: ${protections.reason ?? ''}`,
        );
      }
      this.#protections = protections;
      this.#probedAt = Date.now();
      this.#probing = undefined;
      return protections;
    });
    return this.#probing;
  }
}

function containerName(spec: SandboxSpec, id: string): string {
  return `gantry-${spec.sessionId.replaceAll(/[^\w.-]/g, '')}-${id.slice(0, 8)}`;
}
