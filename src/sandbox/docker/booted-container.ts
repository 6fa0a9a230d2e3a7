import type Docker from 'dockerode';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { BootedKernel } from '../kernel/booted-kernel.js';
import type { KernelStream } from '../kernel/kernel-stream.js';
import { KernelConnection } from '../kernel/kernel-connection.js';
import { newTakeOver, type TakeOver } from '../kernel/take-over.js';
import { tokenOf } from '../kernel/token-chain.js';
import { attachStream } from './attach-stream.js';
import { ContainerHold, type Outliving } from './container-hold.js';
import { containerOptions } from './container-options.js';
import { containerStream } from './container-stream.js';
import type { SandboxProfile } from './docker-sandbox-options.js';
import type { HostSocket } from './host-socket.js';
import type { HostSockets } from './host-sockets.js';
import { inTime } from './in-time.js';
import type { KeptSandbox } from './kept-sandboxes.js';

const BOOT_TIMEOUT_MS = 60_000;
const TAKE_OVER_TIMEOUT_MS = 10_000;
const REMOVE_TIMEOUT_MS = 15_000;

/** What holds for every container of one engine. */
export interface ContainerTerms {
  readonly docker: Docker;
  /** Absent: they end with this process. */
  readonly outliving?: Outliving | undefined;
  readonly hostSockets: HostSockets;
  readonly log: (message: string) => void;
}

type NamedProfile = SandboxProfile & { readonly name: string };

/** Rejects with what the engine said; leaves no container behind then. */
export async function bootContainer(
  terms: ContainerTerms,
  profile: NamedProfile,
  labels: Readonly<Record<string, string>>,
): Promise<BootedKernel> {
  const { hostSockets, outliving } = terms;
  // The next process could not come to a socket of this one.
  const meeting = outliving === undefined ? await hostSockets.open() : undefined;
  try {
    return await bootAt(meeting, terms, profile, labels);
  } catch (error) {
    if (meeting === undefined || !hostSockets.wasRefused(error)) throw error;
    return await bootAt(undefined, terms, profile, labels);
  } finally {
    await meeting?.close();
  }
}

async function bootAt(
  meeting: HostSocket | undefined,
  { docker, outliving, log }: ContainerTerms,
  profile: NamedProfile,
  labels: Readonly<Record<string, string>>,
): Promise<BootedKernel> {
  // Ours to choose, so that it can be removed when the engine's answer to its making is lost.
  const name = `gantry-${randomBytes(8).toString('hex')}`;
  const hold = outliving && ContainerHold.fresh(outliving, log);
  const held = new HeldContainer(docker, name, profile, hold);
  try {
    const options = containerOptions(profile, name, labels, {
      unattendedMs: outliving?.unattendedMs,
      hostSocketFolder: meeting?.folder,
    });
    const container = await inTime(docker.createContainer(options), BOOT_TIMEOUT_MS);
    held.reference = container.id;
    // Attached before the start, so that nothing is lost.
    const attached = await held.attach(BOOT_TIMEOUT_MS);
    await inTime(container.start(), BOOT_TIMEOUT_MS);
    const stream = await inTime(containerStream(attached, meeting), BOOT_TIMEOUT_MS);
    return await held.booted(held.connect(stream), BOOT_TIMEOUT_MS);
  } catch (error) {
    await held.destroy();
    throw error;
  }
}

/** Of a container that an earlier process left and that is this one's now. Rejects, and removes it, where it does not answer. */
export async function takeOverContainer(
  { docker, log }: ContainerTerms,
  outliving: Outliving,
  profile: NamedProfile,
  kept: KeptSandbox,
): Promise<BootedKernel> {
  const hold = ContainerHold.takenOver(kept, outliving, log);
  const held = new HeldContainer(docker, kept.containerId, profile, hold);
  try {
    const attached = await held.attach(TAKE_OVER_TIMEOUT_MS);
    const connection = held.connect(attached, newTakeOver(tokenOf(kept.secret, kept.generation)));
    return await held.booted(connection, TAKE_OVER_TIMEOUT_MS);
  } catch (error) {
    await held.destroy();
    throw error;
  }
}

/** One container and this process's connection to it. */
class HeldContainer {
  #attached: KernelStream | undefined;
  #connection: KernelConnection | undefined;
  #removal: Promise<void> | undefined;

  /** `reference`: its name until the engine has said its id. */
  constructor(
    private readonly docker: Docker,
    public reference: string,
    private readonly profile: NamedProfile,
    private readonly hold: ContainerHold | undefined,
  ) {}

  async attach(timeoutMs: number): Promise<KernelStream> {
    const stream = await inTime(
      this.#container().attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
      timeoutMs,
    );
    this.#attached = attachStream(stream as Duplex);
    return this.#attached;
  }

  connect(stream: KernelStream, takeOver?: TakeOver): KernelConnection {
    this.#connection = new KernelConnection(stream, takeOver);
    return this.#connection;
  }

  async booted(connection: KernelConnection, timeoutMs: number): Promise<BootedKernel> {
    const timer = setTimeout(() => connection.close('it did not start in time'), timeoutMs);
    const kernel = await connection.ready.finally(() => clearTimeout(timer));
    connection.whenLost(() => void this.destroy());
    const { hold, reference: id } = this;
    const { maxTimeoutMs, name: profile } = this.profile;
    hold?.attend(connection);
    return {
      id,
      connection,
      kernel,
      destroy: () => this.destroy(),
      ...(maxTimeoutMs === undefined ? {} : { maxTimeoutMs }),
      rename: async (next) => {
        await this.#container()
          .rename({ name: next })
          .catch(() => undefined);
      },
      ...(hold === undefined
        ? {}
        : {
            outlive: {
              keepFor: (spec) => hold.keepFor(spec, connection, { containerId: id, profile }),
              leave: () => this.#leave(hold),
            },
          }),
    };
  }

  destroy(): Promise<void> {
    // First the stream: an engine waits for its reader before it kills.
    this.#connection?.close('it was closed');
    this.#attached?.destroy();
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  #leave(hold: ContainerHold): Promise<void> {
    if (!hold.isKept) return this.destroy();
    this.#removal ??= Promise.resolve();
    this.#connection?.close('it was left to the next process');
    return this.#removal;
  }

  async #remove(): Promise<void> {
    if (this.hold !== undefined && !(await this.hold.drop())) return;
    // Already gone or being removed by AutoRemove is what is wanted; without an engine nothing can be done.
    await inTime(this.#container().remove({ force: true }), REMOVE_TIMEOUT_MS).catch(() => undefined);
  }

  #container(): Docker.Container {
    return this.docker.getContainer(this.reference);
  }
}
