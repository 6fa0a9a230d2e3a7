import type { ControlGroups } from './control-groups/control-groups.js';

/**
 * Whose processes a sandbox's are, seen from outside. `private`: an account that nothing else on the machine has, a
 * new one each time; only root can give them away. Root's own is no choice: within /proc/sys it may write, also from
 * a user namespace.
 */
export type SandboxAccount = 'private' | 'own';

/** What this machine has for making sandboxes; found once, at start. */
export interface SandboxPlace {
  /** Name or path of the bubblewrap program. */
  readonly program: string;
  /** The options that this program knows. */
  readonly options: ReadonlySet<string>;
  readonly account: SandboxAccount;
  /** Classic BPF for this processor. */
  readonly systemCallFilter: Uint8Array;
  /** Absent: memory and processes are limited with resource limits only. */
  readonly controlGroups?: ControlGroups;
}
