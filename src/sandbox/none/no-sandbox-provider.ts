import { DomainError } from '../../errors.js';
import type { Sandbox, SandboxProtections, SandboxProvider } from '../sandbox.js';

/** Stands where no sandbox is to be had: says why, and runs nothing anywhere else instead. */
export class NoSandboxProvider implements SandboxProvider {
  constructor(private readonly reason: string) {}

  protections(): SandboxProtections {
    return {
      provider: 'none',
      available: false,
      reason: this.reason,
      network: 'not_applicable',
      notes: ['Python and terminal are off; JavaScript and files work.'],
    };
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  acquire(): Promise<Sandbox> {
    return Promise.reject(new DomainError('unavailable', this.reason, { reason: 'sandbox_unavailable' }));
  }

  recover(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  current(): undefined {
    return undefined;
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
