import { readFile } from 'node:fs/promises';
import { containersOf } from '../../support/sandbox-containers.js';
import { printHeading, printRow } from '../measure.js';
import { type Rig, withRig } from '../rig.js';
import { watchedSession } from '../watched-session.js';
import { curve, type Sample, slopePerMinute } from './curve.js';
import { IDLE_SECONDS, traffic } from './traffic.js';

const SAMPLE_MS = 5000;
/** Caches fill first: what grows after this share of the time grows on. */
const WARM_UP_SHARE = 0.3;
const DOCKER_PID_FILE = '/var/run/docker.pid';

export interface SoakOptions {
  readonly minutes: number;
  readonly sessions: number;
}

interface Series {
  readonly name: string;
  readonly unit: string;
  /** More than this a minute is a leak. */
  readonly mostPerMinute: number;
  readonly read: (rig: Rig) => Promise<number>;
  readonly samples: Sample[];
}

/** Hours in minutes: sessions that call, write, crash, are killed and evicted, while memory is watched. */
export async function soak({ minutes, sessions }: SoakOptions): Promise<void> {
  printHeading(`soak: ${sessions} sessions, ${minutes} minutes, evicted after ${IDLE_SECONDS} s of rest`);
  const environment = {
    GANTRY_SANDBOX: 'docker',
    GANTRY_SANDBOX_POOL: '2',
    GANTRY_SANDBOX_IDLE_SEC: String(IDLE_SECONDS),
    GANTRY_PARALLEL: String(sessions),
  };
  await withRig(environment, async (rig) => {
    const series = allSeries();
    const started = performance.now();
    const sample = async (): Promise<void> => {
      const seconds = (performance.now() - started) / 1000;
      for (const { read, samples } of series) samples.push({ seconds, value: await read(rig) });
    };
    const timer = setInterval(() => void sample().catch(() => undefined), SAMPLE_MS);
    try {
      const watched = await Promise.all(Array.from({ length: sessions }, () => watchedSession(rig)));
      const end = started + minutes * 60_000;
      const took = new Map<string, number[]>();
      await Promise.all(watched.map((session) => traffic(session, end, took)));
      await sample();
      report(series, took);
    } finally {
      clearInterval(timer);
    }
  });
}

function allSeries(): readonly Series[] {
  const mebibytes = (name: string, pid: (rig: Rig) => Promise<number>): Series => ({
    name,
    unit: 'MiB',
    mostPerMinute: 1,
    read: async (rig) => residentMebibytes(await pid(rig)),
    samples: [],
  });
  return [
    mebibytes('server, resident', async ({ pid }) => pid),
    mebibytes('dockerd, resident', async () => Number(await readFile(DOCKER_PID_FILE, 'utf8'))),
    {
      name: 'containers',
      unit: '',
      mostPerMinute: 0.5,
      read: async ({ home }) => (await containersOf(home)).length,
      samples: [],
    },
  ];
}

async function residentMebibytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

function report(series: readonly Series[], took: ReadonlyMap<string, readonly number[]>): void {
  for (const [name, ms] of took) printRow(`${ms.length} x ${name}`, ms, 'ms');
  for (const { name, unit, mostPerMinute, samples } of series) {
    const values = samples.map(({ value }) => value);
    const settled = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
    const slope = slopePerMinute(settled);
    const verdict = slope <= mostPerMinute ? 'flat' : `GROWS, over ${mostPerMinute}`;
    process.stdout.write(
      `  ${name.padEnd(20)} ${curve(samples)}\n  ${''.padEnd(20)} ` +
        `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)} ${unit}, ` +
        `${slope.toFixed(2)} a minute after the first ${WARM_UP_SHARE * 100} %: ${verdict}\n`,
    );
  }
}
