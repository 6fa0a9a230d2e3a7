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
  act(session: WatchedSession, turn: number): Promise<unknown>;
}

const python = (session: WatchedSession, code: string) => session.invoke('python', { code });

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
      session.invoke('terminal', {
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
  { name: 'rest', weight: 4, act: () => delay(REST_MS) },
];

/** What one session does until the end, at random; adds the milliseconds of each to `took`, by its name. */
export async function traffic(
  session: WatchedSession,
  until: number,
  took: Map<string, number[]>,
): Promise<void> {
  const total = HABITS.reduce((sum, { weight }) => sum + weight, 0);
  for (let turn = 0; performance.now() < until; turn += 1) {
    let left = Math.random() * total;
    const habit = HABITS.find(({ weight }) => (left -= weight) < 0);
    if (habit === undefined) continue;
    const started = performance.now();
    await habit.act(session, turn);
    took.set(habit.name, [...(took.get(habit.name) ?? []), performance.now() - started]);
  }
}

/** As an engine that is restarted would. A session without a sandbox has nothing to lose. */
async function killSandbox({ id }: WatchedSession): Promise<void> {
  const docker = new Docker();
  const found = await docker.listContainers({ filters: { name: [`gantry-${id}-`] } });
  for (const { Id } of found) {
    await docker
      .getContainer(Id)
      .kill({ signal: 'SIGKILL' })
      .catch(() => undefined);
  }
}
