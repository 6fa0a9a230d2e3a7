import { DomainError, messageOf } from '../../errors.js';
import { NoSandboxProvider } from '../none/no-sandbox-provider.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';

const REMEDY = 'As root, npm start sets up what it can.';

/**
 * The first of several providers that works, chosen once: a session's files and limits do not change under it, and
 * weaker walls never stand in for stronger ones in passing. While none works, each is asked again and again.
 */
export class SandboxLadder implements SandboxProvider {
  readonly #refused: SandboxProvider[] = [];
  readonly #ready: Promise<void>;
  #chosen: SandboxProvider | undefined;
  #closed = false;

  /** Best first; a later one is made only when all before it do not work, or cannot be made. */
  constructor(rungs: readonly (() => Promise<SandboxProvider>)[]) {
    this.#ready = this.#climb(rungs);
  }

  protections(): SandboxProtections {
    return (this.#choose() ?? new NoSandboxProvider(this.#reason())).protections();
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  async acquire(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): Promise<Sandbox> {
    await this.#ready;
    signal?.throwIfAborted();
    if (this.#closed) throw new DomainError('unavailable', 'The server is stopping.');
    const provider = this.#choose();
    if (provider === undefined) return new NoSandboxProvider(this.#reason()).acquire();
    return provider.acquire(spec, signal, onQueued);
  }

  async recover(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox | undefined> {
    await this.#ready;
    return this.#choose()?.recover(spec, signal);
  }

  current(sessionId: string): Sandbox | undefined {
    return this.#chosen?.current(sessionId);
  }

  async release(sessionId: string): Promise<void> {
    await this.#chosen?.release(sessionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#ready;
    await Promise.all(
      [...this.#refused, ...(this.#chosen === undefined ? [] : [this.#chosen])].map((each) => each.close()),
    );
  }

  async #climb(rungs: readonly (() => Promise<SandboxProvider>)[]): Promise<void> {
    for (const make of rungs) {
      if (this.#closed) return;
      const provider = await make().catch((error: unknown) => new NoSandboxProvider(messageOf(error)));
      await provider.ready();
      if (provider.protections().available) {
        this.#chosen = provider;
        return;
      }
      this.#refused.push(provider);
    }
  }

  /** Asking one that did not work has it look again. */
  #choose(): SandboxProvider | undefined {
    if (this.#chosen !== undefined) return this.#chosen;
    const index = this.#refused.findIndex((provider) => provider.protections().available);
    if (index !== -1) [this.#chosen] = this.#refused.splice(index, 1);
    return this.#chosen;
  }

  #reason(): string {
    const reasons = this.#refused.map((provider) => provider.protections().reason ?? '');
    return ['Python and terminal are off.', ...reasons, REMEDY].join(' ');
  }
}
