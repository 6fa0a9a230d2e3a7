import { readdir, readFile } from 'node:fs/promises';
import { containersOf } from '../../support/sandbox-containers.js';
import type { Rig } from '../rig.js';
import { curve, type Sample, slopePerMinute } from './curve.js';
import { sandboxMebibytes } from './sandbox-memory.js';

/** Caches fill first: what grows after this share of the time grows on. */
const WARM_UP_SHARE = 0.3;
const DOCKER_PID_FILE = '/var/run/docker.pid';

/** One figure of the soak over time. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  /** More than this a minute is a leak. */
  readonly mostPerMinute: number;
  readonly read: (rig: Rig) => Promise<number>;
  readonly samples: Sample[];
}

export function allSeries(): readonly Series[] {
  const series = (
    name: string,
    unit: string,
    mostPerMinute: number,
    read: (rig: Rig) => Promise<number>,
  ): Series => ({ name, unit, mostPerMinute, read, samples: [] });
  const containers = (rig: Rig): Promise<string[]> => containersOf(rig.home);
  return [
    series('server, resident', 'MiB', 1, ({ pid }) => residentMebibytes(pid)),
    series('server, descriptors', '', 1, async ({ pid }) => (await readdir(`/proc/${pid}/fd`)).length),
    series('sandboxes, memory', 'MiB', 10, async (rig) => sandboxMebibytes(await containers(rig))),
    series('sandboxes', '', 0.5, async (rig) => (await containers(rig)).length),
    series('dockerd, resident', 'MiB', 1, async () =>
      residentMebibytes(Number(await readFile(DOCKER_PID_FILE, 'utf8'))),
    ),
  ];
}

async function residentMebibytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

export function printSeries({ name, unit, mostPerMinute, samples }: Series): void {
  const values = samples.map(({ value }) => value);
  const slope = slopePerMinute(samples.slice(Math.floor(samples.length * WARM_UP_SHARE)));
  const verdict = slope <= mostPerMinute ? 'flat' : `GROWS, over ${mostPerMinute}`;
  const range = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)} ${unit}`.trim();
  process.stdout.write(
    `  ${name.padEnd(20)} ${curve(samples)}\n  ${''.padEnd(20)} ${range}, at the end ${values.at(-1)?.toFixed(0)}; ` +
      `${slope.toFixed(2)} a minute after the first ${WARM_UP_SHARE * 100} %: ${verdict}\n`,
  );
}
