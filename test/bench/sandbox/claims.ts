import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import {
  figureOf,
  type Figures,
  interleave,
  printAim,
  printHeading,
  printRatio,
  printRow,
} from '../measure.js';
import { acquire, dockerImage, exec, type Place, requireValue, withProvider } from './places.js';

const ROUNDS = 8;
const MOST_OF_COLD = 0.05;
const CODE = 'import numpy\nint(numpy.arange(10).sum())';

/** From nothing to the first answer of numpy: out of the pool, booted on demand, and with `docker run`. */
export async function benchClaims(places: readonly Place[]): Promise<void> {
  const image = await dockerImage();
  for (const place of places) {
    const { pool, boot, cold } = await interleave(
      { warmUp: 1, rounds: ROUNDS },
      { pool: () => firstCall(place, 1), boot: () => firstCall(place, 0), cold: () => dockerRun(image) },
    );
    printHeading(`  a session's first call, with numpy, ${ROUNDS} rounds`);
    printRow(`${place.name}, claimed from the pool`, figureOf(pool, 'ms'), 'ms');
    printRow(`${place.name}, booted for it`, figureOf(boot, 'ms'), 'ms');
    printRow('docker run, cold', figureOf(cold, 'ms'), 'ms');
    const share = printRatio(`${place.name} pool / docker run`, figureOf(pool, 'ms'), figureOf(cold, 'ms'));
    printAim(`${place.name} pool / docker run at most ${MOST_OF_COLD}`, share, share <= MOST_OF_COLD);
  }
}

function firstCall(place: Place, poolSize: number): Promise<Figures> {
  return withProvider(place, poolSize, async (provider) => {
    const started = performance.now();
    requireValue((await exec(await acquire(provider, 'first'), CODE)).value, '45');
    return { ms: performance.now() - started };
  });
}

async function dockerRun(image: string): Promise<Figures> {
  const started = performance.now();
  const program = 'import numpy; print(int(numpy.arange(10).sum()))';
  const flags = ['run', '--rm', '--network', 'none', '--entrypoint', 'python3', image, '-c', program];
  const child = spawn('docker', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  requireValue(printed.trim(), '45');
  return { ms: performance.now() - started };
}
