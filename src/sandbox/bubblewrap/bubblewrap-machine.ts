import { findBubblewrap } from './bubblewrap-program.js';
import { ControlGroups } from './control-groups/control-groups.js';
import type { SandboxPlace } from './sandbox-place.js';
import { systemCallFilter } from './seccomp/filter.js';

export type FoundPlace =
  | { readonly kind: 'found'; readonly place: SandboxPlace }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Where sandboxes are to be made; another one stands in for it in tests of what can be missing. */
export interface BubblewrapMachine {
  /** Never rejects: what is missing is an answer. */
  look(): Promise<FoundPlace>;
}

/** This machine, and this process's account on it. */
export function thisMachine(
  program = 'bwrap',
  openControlGroups: () => Promise<ControlGroups | undefined> = () => ControlGroups.open(),
): BubblewrapMachine {
  return {
    look: async () => {
      const filter = systemCallFilter(process.arch);
      if (process.platform !== 'linux' || filter === undefined) {
        const reason = `bubblewrap sandboxes need Linux on x86_64 or arm64, this is ${process.platform} on ${process.arch}.`;
        return { kind: 'unusable', reason };
      }
      const found = await findBubblewrap(program);
      if (found.kind === 'unusable') return found;
      const controlGroups = await openControlGroups();
      return {
        kind: 'found',
        place: {
          program,
          options: found.options,
          account: process.getuid?.() === 0 ? 'private' : 'own',
          systemCallFilter: filter,
          ...(controlGroups === undefined ? {} : { controlGroups }),
        },
      };
    },
  };
}
