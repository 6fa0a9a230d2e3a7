import { DomainError } from '../../errors.js';
import type { Sandbox, SandboxProtections, SandboxProvider, SandboxSpec } from '../sandbox.js';
import {
  ScriptedContainer,
  ScriptedSandbox,
  type ScriptedCall,
  type ScriptedExecution,
  type ScriptedStep,
} from './scripted-sandbox.js';

const AVAILABLE: SandboxProtections = { provider: 'scripted', available: true, network: 'none', notes: [] };

/** A double that runs no code: each call takes the next enqueued step, and files live in memory. */
export class ScriptedSandboxProvider implements SandboxProvider {
  /** Every call, of all sessions, in the order they began. */
  readonly calls: ScriptedCall[] = [];
  readonly #steps: ScriptedStep[] = [];
  readonly #containers = new Map<string, ScriptedContainer>();
  #made = 0;

  /** `otherwise` answers calls when nothing is enqueued; without it they complete silently. */
  constructor(
    private readonly otherwise: (call: ScriptedCall) => ScriptedExecution = () => ({}),
    private readonly state: SandboxProtections = AVAILABLE,
  ) {}

  enqueue(...steps: readonly ScriptedStep[]): void {
    this.#steps.push(...steps);
  }

  /** What a process that a call left in the session's sandbox writes (text) or deletes (null) now. */
  changeBehind(sessionId: string, files: Readonly<Record<string, string | null>>): void {
    this.#containers.get(sessionId)?.changeBehind(files);
  }

  protections(): SandboxProtections {
    return this.state;
  }

  async ready(): Promise<void> {}

  async acquire(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox> {
    signal?.throwIfAborted();
    if (!this.state.available)
      throw new DomainError('unavailable', this.state.reason ?? 'There is no sandbox.');
    const known = this.#containers.get(spec.sessionId);
    if (known !== undefined && !known.lost) return new ScriptedSandbox(spec.sessionId, known, false);
    this.#made += 1;
    const container = new ScriptedContainer(`scripted-${this.#made}`, (call) => this.#take(call));
    this.#containers.set(spec.sessionId, container);
    return new ScriptedSandbox(spec.sessionId, container, true);
  }

  /** What is there when a test resumes a call stands for what an earlier process left. */
  async recover({ sessionId }: SandboxSpec): Promise<Sandbox | undefined> {
    return this.current(sessionId);
  }

  current(sessionId: string): Sandbox | undefined {
    const container = this.#containers.get(sessionId);
    return container === undefined || container.lost
      ? undefined
      : new ScriptedSandbox(sessionId, container, false);
  }

  async release(sessionId: string): Promise<void> {
    this.#containers.get(sessionId)?.close();
  }

  async close(): Promise<void> {
    for (const container of this.#containers.values()) container.close();
  }

  #take(call: ScriptedCall): ScriptedExecution {
    this.calls.push(call);
    const step = this.#steps.shift() ?? this.otherwise;
    return typeof step === 'function' ? step(call) : step;
  }
}
