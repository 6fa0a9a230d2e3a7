import { DomainError } from '../../../src/errors.js';
import type { ExecutionResult, Sandbox, SandboxProvider, SandboxSpec } from '../../../src/sandbox/sandbox.js';
import type { Attack, AttackProgram, HostStep } from './attack.js';
import { complaintsAbout } from './attack-verdict.js';
import type { HostCanaries } from './host-canaries.js';

/** How one attack went. */
export interface Trial {
  readonly name: string;
  readonly outcome: string;
  readonly sandbox: 'kept' | 'replaced' | 'gone';
  readonly ms: number;
  /** Empty when all that must be true was. */
  readonly complaints: readonly string[];
}

const LIMITS = { timeoutMs: 20_000 };
const MAX_READ_BYTES = 2 ** 20;
/** An ordinary call: it needs some memory too. */
const PROBE = 'len(b"x" * 20_000_000)';
const PROBE_VALUE = '20000000';
/** Also what was allowed to stay; stopped first, or a fork bomb outruns the kill. */
const END_ALL = `
import os
for number in (19, 9):
    try: os.kill(-1, number)
    except OSError: pass
os._exit(0)`;
/** A new interpreter, and nothing left of what the last attack made, wherever it hid it. */
const CLEAN_UP = `chmod 700 /workspace; find /workspace /tmp -mindepth 1 -type d -exec chmod 700 {} +
find /workspace /tmp -mindepth 1 -delete; find /workspace /tmp -mindepth 1 | head -5; echo cleaned`;

/** Runs attacks one after another on one session, as a person who never gives up would. */
export class AttackLane {
  constructor(
    private readonly provider: SandboxProvider,
    private readonly spec: SandboxSpec,
    private readonly canaries: HostCanaries,
  ) {}

  async try(attack: Attack): Promise<Trial> {
    const sandbox = await this.#prepared();
    const started = performance.now();
    for (const program of attack.before ?? []) await this.#run(sandbox, program, LIMITS);
    await this.#call(sandbox, 'kept = 5');
    const told = performance.now();
    const result = await this.#run(sandbox, attack.program, attack.limits);
    const complaints = complaintsAbout(attack, result, performance.now() - told);
    for (let number = 0; number < (attack.tries ?? 1); number += 1) {
      for (const step of attack.host ?? []) complaints.push(...(await this.#look(sandbox, step)));
    }
    const after = await this.#after(attack, sandbox, result);
    return {
      name: attack.name,
      outcome: result.outcome,
      sandbox: after.sandbox,
      ms: performance.now() - started,
      complaints: [...new Set([...complaints, ...after.complaints, ...(await this.canaries.disturbed())])],
    };
  }

  /** The interpreter of the last attack may be in any state: it gives way to a new one. */
  async #prepared(): Promise<Sandbox> {
    const sandbox = await this.#acquire();
    await this.#call(sandbox, END_ALL);
    const { stdout } = await this.#run(sandbox, { bash: CLEAN_UP }, LIMITS);
    if (stdout === 'cleaned\n' && (await this.#call(sandbox, PROBE)).value === PROBE_VALUE) return sandbox;
    await this.provider.release(this.spec.sessionId);
    return this.#acquire();
  }

  /** Does the session go on, and was what the result says of its variables true? */
  async #after(
    attack: Attack,
    before: Sandbox,
    result: ExecutionResult,
  ): Promise<{ sandbox: Trial['sandbox']; complaints: string[] }> {
    let sandbox = await this.#acquire();
    let kept = await this.#call(sandbox, 'kept');
    if (kept.outcome === 'sandbox_lost') {
      sandbox = await this.#acquire();
      kept = await this.#call(sandbox, 'kept');
    }
    const probe = await this.#call(sandbox, PROBE);
    if (probe.value !== PROBE_VALUE) {
      return {
        sandbox: 'gone',
        complaints: [`the next call gave ${probe.outcome}: ${probe.exception ?? ''}`],
      };
    }
    if (sandbox.id !== before.id) {
      const allowed = attack.expected.sandbox === 'kept or replaced';
      return { sandbox: 'replaced', complaints: allowed ? [] : ['the sandbox was lost'] };
    }
    const stateKept = kept.value === '5';
    const complaints =
      stateKept || kept.exception?.includes('NameError') === true || kept.outcome === 'died'
        ? []
        : [`its variables are neither kept nor lost: ${kept.outcome} ${kept.exception ?? kept.value ?? ''}`];
    if (result.stateKept && !stateKept && kept.stateKept) complaints.push('it said the variables were kept');
    if (!result.stateKept && stateKept) complaints.push('it said the variables were lost');
    return { sandbox: 'kept', complaints };
  }

  async #look(sandbox: Sandbox, step: HostStep): Promise<string[]> {
    const started = performance.now();
    const found = await this.#step(sandbox, step);
    const ms = performance.now() - started;
    return ms > 5000 ? [...found, `the host waited ${Math.round(ms)} ms`] : found;
  }

  async #step(sandbox: Sandbox, step: HostStep): Promise<string[]> {
    if ('list' in step) {
      const paths = (await sandbox.list()).map(({ path }) => path).sort();
      const right =
        typeof step.list === 'number' ? paths.length <= step.list : paths.join('/') === step.list.join('/');
      return right ? [] : [`the listing has ${paths.length}: ${JSON.stringify(paths.slice(0, 10))}`];
    }
    let seen = '';
    const act = async (): Promise<void> => {
      if ('write' in step) await sandbox.write(step.write, Buffer.alloc(step.bytes, 'w'));
      else if ('remove' in step) await sandbox.remove(step.remove);
      else {
        for await (const chunk of sandbox.read(step.read, step.maxBytes ?? MAX_READ_BYTES)) {
          seen = Buffer.from(chunk.subarray(0, 4096)).toString('latin1');
        }
      }
    };
    const answer = await act().then(
      () => 'done',
      (error: unknown) => (error instanceof DomainError ? error.code : String(error)),
    );
    const complaints = step.answers.some((allowed) => allowed === answer)
      ? []
      : [`the host got ${answer} for ${JSON.stringify(step).slice(0, 80)}`];
    if (seen.includes('root:x:0') || seen.includes(this.canaries.token)) {
      complaints.push('the host read what lies outside');
    }
    return complaints;
  }

  #acquire(): Promise<Sandbox> {
    return this.provider.acquire(this.spec);
  }

  #call(sandbox: Sandbox, code: string): Promise<ExecutionResult> {
    return this.#run(sandbox, { python: code }, LIMITS);
  }

  #run(sandbox: Sandbox, program: AttackProgram, limits: Attack['limits']): Promise<ExecutionResult> {
    const { signal } = new AbortController();
    return 'python' in program
      ? sandbox.exec(this.canaries.fill(program.python), limits, () => undefined, signal)
      : sandbox.shell([this.canaries.fill(program.bash)], limits, () => undefined, signal);
  }
}
