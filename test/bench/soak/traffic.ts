import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import type { WatchedSession } from '../watched-session.js';

/** Longer than the soak's idle setting: the sandbox is evicted meanwhile. */
export const IDLE_SECONDS = 4;
const REST_MS = (IDLE_SECONDS + 2) * 1000;

interface Habit {
  readonly name: string;
  /** How often it comes, next to the others. */
  readonly weight: number;
  /** How its call ends; undefined when it makes none. */
  act(session: WatchedSession, turn: number): Promise<string | undefined>;
}

/** By habit. Others end `succeeded completed`. */
const EXPECTED_ENDINGS: Readonly<Record<string, string>> = {
  shell: 'succeeded',
  crash: 'failed died',
  'memory bomb': 'failed out_of_memory',
};

export function isAsMeant(habit: string, ending: string): boolean {
  return ending === (EXPECTED_ENDINGS[habit] ?? 'succeeded completed');
}

/** What the sessions did, by habit: the milliseconds of each time, and how often its call ended how. */
export interface Tally {
  readonly took: Map<string, number[]>;
  readonly endings: Map<string, Map<string, number>>;
}

export function emptyTally(): Tally {
  return { took: new Map(), endings: new Map() };
}

const python = (session: WatchedSession, code: string) => call(session, 'python', { code });

const HABITS: readonly Habit[] = [
  { name: 'call', weight: 30, act: (session) => python(session, 'total = sum(range(10_000))\ntotal') },
  { name: 'print', weight: 10, act: (session) => python(session, 'print("line\\n" * 20_000)') },
  {
    name: 'file',
    weight: 15,
    act: (session, turn) => python(session, `open('f${turn % 5}.bin', 'wb').write(b'x' * 200_000)`),
  },
  {
    name: 'shell',
    weight: 15,
    act: (session) =>
      call(session, 'terminal', {
        commands: ['ls -la', 'for n in 1 2 3; do echo $n; done', 'rm -f f0.bin'],
      }),
  },
  {
    name: 'figure',
    weight: 5,
    act: (session) => python(session, 'import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])'),
  },
  { name: 'crash', weight: 5, act: (session) => python(session, 'import os; os.kill(os.getpid(), 9)') },
  { name: 'memory bomb', weight: 2, act: (session) => python(session, 'x = b"x" * 10 ** 10') },
  { name: 'kill', weight: 3, act: (session) => killSandbox(session) },
  { name: 'rest', weight: 4, act: () => delay(REST_MS, undefined) },
];

/** What one session does until the end, at random. */
export async function traffic(
  session: WatchedSession,
  until: number,
  { took, endings }: Tally,
): Promise<void> {
  const total = HABITS.reduce((sum, { weight }) => sum + weight, 0);
  for (let turn = 0; performance.now() < until; turn += 1) {
    let left = Math.random() * total;
    const habit = HABITS.find(({ weight }) => (left -= weight) < 0);
    if (habit === undefined) continue;
    const started = performance.now();
    const ending = await habit.act(session, turn);
    took.set(habit.name, [...(took.get(habit.name) ?? []), performance.now() - started]);
    if (ending === undefined) continue;
    const ofHabit = endings.get(habit.name) ?? new Map<string, number>();
    ofHabit.set(ending, (ofHabit.get(ending) ?? 0) + 1);
    endings.set(habit.name, ofHabit);
  }
}

/** A call that is refused, or whose connection breaks, is an ending too. */
async function call(
  session: WatchedSession,
  tool: string,
  argumentObject: Readonly<Record<string, unknown>>,
): Promise<string> {
  try {
    return (await session.invoke(tool, argumentObject)).ending;
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** As an engine that is restarted would. A session without a sandbox has nothing to lose. */
async function killSandbox({ id }: WatchedSession): Promise<undefined> {
  const docker = new Docker();
  const found = await docker.listContainers({ filters: { name: [`gantry-${id}-`] } });
  for (const { Id } of found) {
    await docker
      .getContainer(Id)
      .kill({ signal: 'SIGKILL' })
      .catch(() => undefined);
  }
}
