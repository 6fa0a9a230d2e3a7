import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import { printHeading, printRow } from '../measure.js';
import { type Rig, withRig } from '../rig.js';
import { watchedSession } from '../watched-session.js';
import { countDockerEvents, type EventCounts } from './docker-events.js';
import { printSeries, type Series } from './series.js';
import { HEAP_ENVIRONMENT, openServerHeap, type ServerHeap } from './server-heap.js';
import { emptyTally, IDLE_SECONDS, isAsMeant, type Tally, traffic } from './traffic.js';
import { residentMebibytes, watchesOf } from './watches.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly sessions: number;
}

/** Hours in minutes: sessions that call, write, crash, are killed and evicted, while the machine's figures are watched. */
export async function soak({ minutes, sessions }: SoakOptions): Promise<void> {
  printHeading(`soak: ${sessions} sessions, ${minutes} minutes, evicted after ${IDLE_SECONDS} s of rest`);
  const environment = {
    ...HEAP_ENVIRONMENT,
    GANTRY_SANDBOX: 'docker',
    GANTRY_SANDBOX_POOL: '2',
    GANTRY_SANDBOX_IDLE_SEC: String(IDLE_SECONDS),
    GANTRY_PARALLEL: String(sessions),
  };
  let owner = '';
  let events: EventCounts | undefined;
  let stopping = 0;
  try {
    await withRig(environment, async (rig) => {
      owner = (await readFile(join(rig.home, 'instance-id'), 'utf8')).trim();
      // The first ones were made before anybody listened.
      process.stdout.write(`  sandboxes at the beginning: ${(await containersOfOwner(owner)).length}\n`);
      events = await countDockerEvents(owner);
      const heap = await openServerHeap(rig);
      await watched(rig, heap, { minutes, sessions }).finally(() => heap.close());
      stopping = performance.now();
    });
    const seconds = ((performance.now() - stopping) / 1000).toFixed(1);
    process.stdout.write(`  SIGTERM: the server ended with status 0, after ${seconds} s with its database\n`);
  } finally {
    const left = owner === '' ? [] : await containersOfOwner(owner);
    process.stdout.write(`  containers left: ${left.length}\n`);
    const counts = Object.entries(events?.counts() ?? {}).map(([action, count]) => `${count} ${action}`);
    process.stdout.write(`  Docker events: ${counts.join(', ')}\n`);
    events?.close();
  }
}

async function watched(rig: Rig, heap: ServerHeap, { minutes, sessions }: SoakOptions): Promise<void> {
  const watches = watchesOf(rig, heap);
  const started = performance.now();
  const sample = async (series: readonly Series[]): Promise<void> => {
    const seconds = (performance.now() - started) / 1000;
    for (const { read, samples } of series) samples.push({ seconds, value: await read() });
  };
  const timers = watches.map(({ everyMs, series }) =>
    setInterval(() => void sample(series).catch(() => undefined), everyMs),
  );
  const tally = emptyTally();
  try {
    const all = await Promise.all(Array.from({ length: sessions }, () => watchedSession(rig)));
    const end = started + minutes * 60_000;
    for (const { series } of watches) await sample(series);
    await Promise.all(all.map((session) => traffic(session, end, tally)));
    for (const { series } of watches) await sample(series);
  } finally {
    for (const timer of timers) clearInterval(timer);
    report(
      watches.flatMap(({ series }) => series),
      tally,
    );
  }
  await heap.giveBack();
  const resident = (await residentMebibytes(rig.pid)).toFixed(0);
  process.stdout.write(`  server, resident, once V8 has given back what it keeps: ${resident} MiB\n`);
}

async function containersOfOwner(owner: string): Promise<readonly unknown[]> {
  return new Docker().listContainers({ all: true, filters: { label: [`gantry.owner=${owner}`] } });
}

function report(series: readonly Series[], { took, endings }: Tally): void {
  for (const [name, ms] of took) printRow(`${ms.length} x ${name}`, ms, 'ms');
  const counts = [...endings].flatMap(([habit, byEnding]) =>
    [...byEnding].map(([ending, count]) => ({ habit, ending, count, meant: isAsMeant(habit, ending) })),
  );
  const sum = (counted: readonly { count: number }[]): number =>
    counted.reduce((total, { count }) => total + count, 0);
  const errors = counts.filter(({ meant }) => !meant);
  process.stdout.write(`  calls: ${sum(counts)}, of which ${sum(errors)} did not end as meant\n`);
  for (const { habit, ending, count, meant } of counts) {
    const verdict = meant ? 'as meant' : 'ERROR';
    process.stdout.write(`  ${`${count} x ${habit} ended ${ending}`.padEnd(60)} ${verdict}\n`);
  }
  for (const each of series) if (each.samples.length > 0) printSeries(each);
}
