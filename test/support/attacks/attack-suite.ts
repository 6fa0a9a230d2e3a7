import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SandboxProvider } from '../../../src/sandbox/sandbox.js';
import { startLeakCheck } from '../leak-check.js';
import { until } from '../until.js';
import { ANSWER_ATTACKS } from './answer-attacks.js';
import type { Attack } from './attack.js';
import { attackTable } from './attack-table.js';
import { AttackLane, type Trial } from './attack-trial.js';
import { FILE_ATTACKS } from './file-attacks.js';
import { HostCanaries } from './host-canaries.js';
import { INTERPRETER_ATTACKS } from './interpreter-attacks.js';
import { MEMORY_ATTACKS } from './memory-attacks.js';
import { OUTPUT_ATTACKS } from './output-attacks.js';
import { PROCESS_ATTACKS } from './process-attacks.js';
import { RACE_ATTACKS } from './race-attacks.js';
import { ServerMemory } from './server-memory.js';
import { SUPERVISOR_ATTACKS } from './supervisor-attacks.js';
import { WALL_ATTACKS } from './wall-attacks.js';

/** A provider under attack. */
export interface AttackTarget {
  provide(): Promise<SandboxProvider>;
  /** What still stands of the provider's containers, processes and folders. */
  leftovers(): Promise<readonly string[]>;
}

/** What a target must be given, whatever its defaults: the suite's programs are measured for it. */
export const ATTACK_LIMITS = {
  memoryBytes: 256 * 2 ** 20,
  workspaceBytes: 32 * 2 ** 20,
  pids: 64,
  cpus: 1,
} as const;

const GROUPS: Readonly<Record<string, readonly Attack[]>> = {
  walls: WALL_ATTACKS,
  supervisor: SUPERVISOR_ATTACKS,
  interpreter: INTERPRETER_ATTACKS,
  answers: ANSWER_ATTACKS,
  output: OUTPUT_ATTACKS,
  memory: MEMORY_ATTACKS,
  processes: PROCESS_ATTACKS,
  files: FILE_ATTACKS,
  races: RACE_ATTACKS,
};
/** So many sessions are attacked at once. */
const LANES = 4;
/** What a server does all day: long output, long listings. */
const WARM_UP = [
  ...OUTPUT_ATTACKS.slice(0, 1),
  ...FILE_ATTACKS.filter(({ name }) => name === 'names that grow on the way'),
];
const MAX_GROWTH_BYTES = 50 * 2 ** 20;
const BOUND_MS = 10_000;

/** Every attack, and what has to be true of the server and its host when all is over; for the body of a describe. */
export function testAttacks(name: string, target: AttackTarget): void {
  const trials: Trial[] = [];
  const free: AttackLane[] = [];
  const waiting: ((lane: AttackLane) => void)[] = [];
  const stack = new AsyncDisposableStack();
  let memory: ServerMemory;

  beforeAll(async () => {
    const leaks = startLeakCheck();
    stack.defer(() => leaks.verify());
    const canaries = await HostCanaries.start();
    stack.defer(() => canaries.stop());
    stack.defer(async () => expect(await canaries.disturbed()).toEqual([]));
    const provider = await target.provide();
    stack.defer(() => untilNothingIsLeft(target));
    stack.defer(() => provider.close());
    await provider.ready();
    for (let number = 0; number < LANES; number += 1) {
      const spec = { sessionId: `sess_attack_${number}`, runId: 'run_1', generation: 1 };
      await (await provider.acquire(spec)).list();
      free.push(new AttackLane(provider, spec, canaries));
    }
    // Before is a server in use: V8 sizes its heap by what passes through it.
    await Promise.all(
      free.map(async (lane) => {
        for (const attack of WARM_UP) await lane.try(attack);
      }),
    );
    memory = new ServerMemory();
    stack.defer(() => {
      memory.stop();
      console.log(attackTable(name, trials, memory.highest));
    });
  });

  afterAll(() => stack.disposeAsync());

  const withLane = async (use: (lane: AttackLane) => Promise<void>): Promise<void> => {
    const lane = free.pop() ?? (await new Promise<AttackLane>((resolve) => waiting.push(resolve)));
    try {
      await use(lane);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(lane);
      else next(lane);
    }
  };

  describe.concurrent('each is contained', () => {
    for (const [group, attacks] of Object.entries(GROUPS)) {
      test.each(attacks.map((attack) => [attack.name, attack] as const))(`${group}: %s`, (_name, attack) =>
        withLane(async (lane) => {
          const trial = await lane.try(attack);
          trials.push(trial);
          expect(trial.complaints, attack.why).toEqual([]);
          // What the other lanes hold at the moment counts too, and passes.
          await until('memory is given back', BOUND_MS, () => memory.growth < MAX_GROWTH_BYTES);
        }),
      );
    }
  });
}

async function untilNothingIsLeft(target: AttackTarget): Promise<void> {
  const left = () => target.leftovers();
  await until('nothing is left', BOUND_MS, async () => (await left()).length === 0).catch(() => undefined);
  expect(await left()).toEqual([]);
}
