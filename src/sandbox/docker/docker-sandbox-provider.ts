import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_PROFILE_NAME } from '../../config/sandbox-profiles.js';
import { DomainError, messageOf } from '../../errors.js';
import { newId } from '../../ids.js';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import { kernelAnswers } from '../kernel/kernel-health.js';
import { SandboxPool } from '../kernel/sandbox-pool.js';
import { SessionKernels } from '../kernel/session-kernels.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import { connectEngine, type EngineClient } from './docker-client.js';
import { type DockerSandboxOptions, profilesOf } from './docker-sandbox-options.js';
import { DockerSandboxMaker } from './docker-sandbox-maker.js';
import { removeContainersOf, sweepContainers } from './janitor.js';
import { isProcessAlive, processPlace } from './process-place.js';

const PROBE_AGAIN_MS = 10_000;
const SWEEP_AGAIN_MS = 60 * 60_000;
const SETTLE_MS = 3000;
const CHECK_TIMEOUT_MS = 2000;

/** Calls `work` again and again; returns what ends that. */
export type Every = (milliseconds: number, work: () => void) => () => void;

const everyInBackground: Every = (milliseconds, work) => {
  const timer = setInterval(work, milliseconds);
  timer.unref();
  return () => clearInterval(timer);
};

/** Sandboxes in containers of a Docker engine, one a session. Never pulls an image, never waits for one. */
export class DockerSandboxProvider implements SandboxProvider {
  readonly #client: EngineClient;
  readonly #maker: DockerSandboxMaker;
  readonly #pool: SandboxPool<SandboxSpec>;
  readonly #sessions: SessionKernels;
  readonly #ready: Promise<void>;
  readonly #self = processPlace(newId('work'));
  readonly #stopSweeping: () => void;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  /** Throws a DomainError for a DOCKER_HOST that cannot be used. */
  constructor(
    private readonly options: DockerSandboxOptions,
    private readonly log: (message: string) => void,
    every: Every = everyInBackground,
  ) {
    this.#client = connectEngine(options);
    this.#maker = new DockerSandboxMaker(this.#client, options, this.#self, log);
    this.#pool = new SandboxPool({
      profiles: [...profilesOf(options)].map(([name, profile]) => ({
        name,
        warm: profile.poolSize,
        memoryBytes: profile.memoryBytes,
      })),
      limits: options.limits,
      boot: (profile, spec) => this.#maker.boot(profile, spec),
      check: (kernel) => kernelAnswers(kernel, CHECK_TIMEOUT_MS),
      log,
    });
    this.#sessions = new SessionKernels(
      (spec, signal, onQueued) => this.#make(spec, signal, onQueued),
      options.idleMs,
      options.egress,
    );
    this.#ready = this.#start();
    this.#stopSweeping = every(SWEEP_AGAIN_MS, () => this.#sweep());
  }

  /** What the last probe found. An engine that was missing is looked for again, in the background. */
  protections(): SandboxProtections {
    const protections = this.#maker.protections(this.#pool.occupancy());
    if (!protections.available && !this.#closed && this.#maker.probeAge() > PROBE_AGAIN_MS) {
      void this.#maker.probeAgain();
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
    this.#stopSweeping();
    this.#sessions.refuse();
    await this.#ready;
    await Promise.all([this.#pool.close(), this.#sweeping]);
    await this.#sessions.close();
    await this.#maker.settled();
    // What the engine lost sight of while it could not be reached.
    await removeContainersOf(this.#client.docker, this.#self).catch(() => undefined);
    this.#client.close();
  }

  async #start(): Promise<void> {
    await this.#maker.probe();
    this.#sweep();
    if (!this.#maker.answers()) return;
    await this.#pool.fill();
    await this.#maker.proveUnusual();
  }

  /** Beside everything else: only the end waits for it. */
  #sweep(): void {
    if (this.#closed || !this.#maker.answers()) return;
    this.#sweeping = this.#sweeping.then(() => this.#sweepOnce());
  }

  async #sweepOnce(): Promise<void> {
    try {
      const swept = await sweepContainers({
        docker: this.#client.docker,
        instanceId: this.options.instanceId,
        self: this.#self,
        isAlive: isProcessAlive,
        settle: () => delay(SETTLE_MS),
      });
      if (swept > 0) this.log(`removed ${swept} sandbox container(s) that an earlier run left`);
    } catch (error) {
      this.log(`old sandbox containers could not be swept: ${messageOf(error)}`);
    }
  }

  async #make(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): Promise<BootedKernel> {
    const profile = spec.profile ?? DEFAULT_PROFILE_NAME;
    const known = [...profilesOf(this.options).keys()];
    if (!known.includes(profile)) {
      throw new DomainError(
        'unavailable',
        `This server has no sandbox profile ${profile} any more; it has: ${known.join(', ')}.`,
        { reason: 'unknown_sandbox_profile' },
      );
    }
    await this.#ready;
    const kernel = await this.#pool.claim(profile, spec, signal, onQueued);
    void kernel.rename(containerName(spec, kernel.id));
    return kernel;
  }
}

function containerName(spec: SandboxSpec, id: string): string {
  return `gantry-${spec.sessionId.replaceAll(/[^\w.-]/g, '')}-${id.slice(0, 8)}`;
}
