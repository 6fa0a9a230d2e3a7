import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import { newId } from '../../ids.js';
import { PooledSandboxes } from '../kernel/pooled-sandboxes.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import { connectEngine, type EngineClient } from './docker-client.js';
import { type DockerSandboxOptions, profilesOf } from './docker-sandbox-options.js';
import { DockerSandboxMaker } from './docker-sandbox-maker.js';
import { removeContainersOf, sweepContainers } from './janitor.js';
import { beginMaking, endMaking, isMaking, type ProcessPlace } from './process-place.js';

const PROBE_AGAIN_MS = 10_000;
const SWEEP_AGAIN_MS = 60 * 60_000;
const SETTLE_MS = 3000;

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
  readonly #self: ProcessPlace;
  readonly #maker: DockerSandboxMaker;
  readonly #sandboxes: PooledSandboxes;
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
    this.#self = beginMaking(newId('work'));
    this.#maker = new DockerSandboxMaker(this.#client, options, this.#self, log);
    this.#sandboxes = new PooledSandboxes({
      profiles: profilesOf(options),
      limits: options.limits,
      idleMs: options.idleMs,
      egress: options.egress,
      boot: (profile, spec) => this.#maker.boot(profile, spec),
      start: (fill) => this.#start(fill),
      log,
    });
    this.#stopSweeping = every(SWEEP_AGAIN_MS, () => this.#sweep());
  }

  /** What the last probe found. An engine that was missing is looked for again, in the background. */
  protections(): SandboxProtections {
    const protections = this.#maker.protections(this.#sandboxes.occupancy());
    if (!protections.available && !this.#closed && this.#maker.probeAge() > PROBE_AGAIN_MS) {
      void this.#maker.probeAgain();
    }
    return protections;
  }

  ready(): Promise<void> {
    return this.#sandboxes.ready();
  }

  acquire(spec: SandboxSpec, signal?: AbortSignal, onQueued?: (position: number) => void): Promise<Sandbox> {
    return this.#sandboxes.acquire(spec, signal, onQueued);
  }

  current(sessionId: string): Sandbox | undefined {
    return this.#sandboxes.current(sessionId);
  }

  release(sessionId: string): Promise<void> {
    return this.#sandboxes.release(sessionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopSweeping();
    await Promise.all([this.#sandboxes.close(), this.#sweeping]);
    await this.#maker.settled();
    // What the engine lost sight of while it could not be reached.
    await removeContainersOf(this.#client.docker, this.#self).catch(() => undefined);
    endMaking(this.#self);
    this.#client.close();
  }

  async #start(fill: () => Promise<void>): Promise<void> {
    await this.#maker.probe();
    this.#sweep();
    if (!this.#maker.answers()) return;
    await fill();
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
        place: this.#self.place,
        isAlive: isMaking,
        settle: () => delay(SETTLE_MS),
      });
      if (swept > 0) this.log(`removed ${swept} sandbox container(s) that an earlier run left`);
    } catch (error) {
      this.log(`old sandbox containers could not be swept: ${messageOf(error)}`);
    }
  }
}
