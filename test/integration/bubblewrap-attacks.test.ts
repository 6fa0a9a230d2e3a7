import { glob } from 'node:fs/promises';
import { describe } from 'vitest';
import { ownerName } from '../../src/sandbox/bubblewrap/control-groups/owner-process.js';
import { ATTACK_LIMITS, testAttacks } from '../support/attacks/attack-suite.js';
import { childrenOf } from '../support/attacks/child-processes.js';
import { bubblewrapProvider, describeWithBubblewrap } from '../support/bubblewrap.js';

describeWithBubblewrap('where bubblewrap works', () => {
  describe('hostile code in a bubblewrap sandbox', () =>
    testAttacks('the bubblewrap provider', {
      provide: () => bubblewrapProvider({ ...ATTACK_LIMITS, poolSize: 1 }),
      leftovers: async () => [...(await childrenOf(process.pid)), ...(await controlGroups())],
    }));
});

/** Folders of this process, whichever controller they belong to. */
async function controlGroups(): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(`/sys/fs/cgroup/**/${await ownerName()}-*`)) found.push(path);
  return found;
}
