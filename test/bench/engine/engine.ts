import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printHeading } from '../measure.js';
import { measureMixedLoad } from './mixed-load.js';
import { measureReuse } from './reuse.js';
import { measureStop } from './stop.js';
import { measureStreams } from './streams.js';
import { readyStatus, withEngine } from './with-engine.js';

/** The engine's port, without the rest of the server. */
export async function benchEngine(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  try {
    await withEngine({ home, sequences: 8 }, async (engine) => {
      const status = readyStatus(engine.status());
      printHeading(
        `engine: ${status.path}, greedy, ${status.threads} thread(s), context ${status.contextSize}`,
      );
      await measureStreams(engine);
      await measureStop(engine);
    });
    await withEngine({ home, sequences: 4 }, (crowded) =>
      withEngine({ home, sequences: 1 }, (alone) => measureReuse(crowded, alone)),
    );
    await measureMixedLoad(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
