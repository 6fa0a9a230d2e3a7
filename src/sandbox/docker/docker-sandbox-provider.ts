import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import { newId } from '../../ids.js';
import { type KernelTakenOver, PooledSandboxes } from '../kernel/pooled-sandboxes.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import { connectEngine, type EngineClient } from './docker-client.js';
import { type DockerSandboxOptions, profilesOf } from './docker-sandbox-options.js';
import { DockerSandboxMaker } from './docker-sandbox-maker.js';
import { ownContainerIds, removeContainersOf, sweepContainers } from './janitor.js';
import { beginMaking, endMaking, isMaking, type ProcessPlace } from './process-place.js';

const PROBE_AGAIN_MS = 10_000;
const SWEEP_AGAIN_MS = 60 * 60_000;
const SETTLE_MS = 3000;

const NONE: ReadonlySet<string> = new Set();

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
      ...(options.outliving === undefined ? {} : { takeOver: (spec) => this.#takeOver(spec) }),
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
    this.#stopSweeping();
    await Promise.all([this.#sandboxes.close(), this.#sweeping]);
    await this.#maker.settled();
    // What the engine lost sight of while it could not be reached.
    await this.#removeOwn().catch(() => undefined);
    endMaking(this.#self);
    this.#client.close();
  }

  async #removeOwn(): Promise<void> {
    const kept = (await this.options.outliving?.kept.containerIds()) ?? NONE;
    await removeContainersOf(this.#client.docker, this.#self, kept);
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
      await this.#adoptOrphans();
      const swept = await sweepContainers({
        kept: (await this.options.outliving?.kept.containerIds()) ?? NONE,
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

  /** Before the sweep: what no run will come for is this process's from now on, until it was idle for long. */
  async #adoptOrphans(): Promise<void> {
    const { outliving, instanceId } = this.options;
    if (outliving === undefined) return;
    const { docker } = this.#client;
    await outliving.kept.forgetAllBut(await ownContainerIds({ docker, instanceId }));
    if (!outliving.adoptsOrphans) return;
    for (const sessionId of await outliving.kept.orphanedSessions()) {
      if (this.#closed) return;
      await this.#sandboxes.recover({ sessionId, runId: '', generation: 0 });
    }
  }

  async #takeOver({ sessionId }: SandboxSpec): Promise<KernelTakenOver | undefined> {
    try {
      const kept = await this.options.outliving?.kept.takeOver(sessionId);
      if (kept === undefined) return undefined;
      const kernel = await this.#maker.takeOver(kept);
      this.log(`took over the sandbox of ${sessionId}`);
      return { kernel, profile: kept.profile, egress: kept.egress };
    } catch (error) {
      this.log(`the sandbox that an earlier run left for ${sessionId} is lost: ${messageOf(error)}`);
      return undefined;
    }
  }
}
