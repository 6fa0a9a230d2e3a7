import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/until.js';
import { inspect, openRuns, printReport, type ChaosReport } from './chaos-report.js';
import { chaosSeed } from './chaos-settings.js';
import { EventCollector } from './event-collector.js';
import { seededRandom } from './seeded-random.js';
import { uninterruptedText } from './uninterrupted-text.js';
import { type Lanes, Workload } from './workload.js';

const WORK_BOUND_MS = 60_000;

export interface ChaosPlan {
  readonly title: string;
  readonly url: string;
  readonly databaseUrl: string;
  readonly strikes: number;
  /** The longest time between two strikes. */
  readonly longestLifeMs: number;
  readonly lanes: Lanes;
  /** Does the harm, and brings back what clients need in order to go on. */
  strike(random: () => number, collector: EventCollector): Promise<void>;
}

/** Keeps sessions busy, strikes at random moments, lets everything end, and compares the accounts. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const seed = chaosSeed();
  const random = seededRandom(seed);
  const collector = new EventCollector(plan.url);
  try {
    await collector.client.connect();
    const longText = await uninterruptedText(collector.client);
    const workload = new Workload(collector, collector.client);
    workload.start(plan.lanes);
    const struckAt: number[] = [];
    try {
      while (struckAt.length < plan.strikes) {
        // The moment is what is tried out, so here time is the input and not a wait for something.
        // Most lives are short, and some long enough for what must be done in one piece.
        await delay(random() ** 2 * plan.longestLifeMs);
        // A strike beside all work would try out nothing.
        await until('a run is at work', WORK_BOUND_MS, () => collector.hasOpenRun());
        struckAt.push(Date.now());
        await plan.strike(random, collector);
        workload.check();
      }
      await workload.stop();
    } catch (error) {
      console.log(`${plan.title}, seed ${seed}: open or slow`, await openRuns(plan.databaseUrl));
      throw error;
    }
    const report = await inspect(plan.databaseUrl, collector, workload.runs, { at: struckAt, longText });
    printReport(`${plan.title}, seed ${seed}`, report);
    return report;
  } finally {
    await collector.close();
  }
}
