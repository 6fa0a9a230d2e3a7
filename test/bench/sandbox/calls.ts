import {
  figureOf,
  type Figures,
  interleave,
  printAim,
  printHeading,
  printRatio,
  printRow,
} from '../measure.js';
import { withRig } from '../rig.js';
import { watchedSession } from '../watched-session.js';
import { startJupyter } from './jupyter.js';
import { JsonLinePython } from './json-line-python.js';
import { acquire, exec, type Place, requireValue, withProvider } from './places.js';

const MOST_OVER_PIPE = 2.5;
const LEAST_UNDER_JUPYTER = 5;

/** What is asked everywhere, and what must come of it. */
const CELLS = [
  { code: '1+1', value: '2', rounds: 200 },
  { code: '"x" * 1000', value: `'${'x'.repeat(1000)}'`, rounds: 100 },
  { code: 'sum(range(100_000))', value: '4999950000', rounds: 100 },
] as const;

/** A warm call: through each sandbox port, over the pipe of a plain interpreter, through Jupyter, as a client sees it. */
export async function benchCalls(places: readonly Place[]): Promise<void> {
  const pipe = JsonLinePython.bare();
  const jupyter = await startJupyter();
  try {
    for (const cell of CELLS) await benchCell(cell, places, pipe, jupyter);
  } finally {
    await pipe.stop();
    if (typeof jupyter !== 'string') await jupyter.stop();
  }
}

async function benchCell(
  { code, value, rounds }: (typeof CELLS)[number],
  places: readonly Place[],
  pipe: JsonLinePython,
  jupyter: JsonLinePython | string,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: Record<string, () => Promise<Figures>> = { pipe: () => timed(pipe, code, value) };
  if (typeof jupyter !== 'string') contenders['jupyter'] = () => timed(jupyter, code, value);
  for (const place of places) {
    const provider = place.provide(0);
    stack.defer(() => provider.close());
    contenders[place.name] = async () => {
      const started = performance.now();
      requireValue((await exec(await acquire(provider, 'call'), code)).value, value);
      return { ms: performance.now() - started };
    };
  }
  const measured = await interleave({ warmUp: 20, rounds }, contenders);
  const ms = (name: string): number[] => figureOf(measured[name] ?? [], 'ms');
  printHeading(`  a warm call of ${code}, ${rounds} rounds`);
  printRow('bare pipe to python3', ms('pipe'), 'ms');
  if (typeof jupyter === 'string') printHeading(`  ${jupyter}`);
  else printRow('jupyter kernel through jupyter_client', ms('jupyter'), 'ms');
  for (const { name } of places) {
    printRow(`${name} port, acquire and exec`, ms(name), 'ms');
    const overPipe = printRatio(`${name} / pipe`, ms(name), ms('pipe'));
    printAim(`${name} / pipe at most ${MOST_OVER_PIPE}`, overPipe, overPipe <= MOST_OVER_PIPE);
    if (typeof jupyter === 'string') continue;
    const underJupyter = printRatio(`jupyter / ${name}`, ms('jupyter'), ms(name));
    printAim(
      `jupyter / ${name} at least ${LEAST_UNDER_JUPYTER}`,
      underJupyter,
      underJupyter >= LEAST_UNDER_JUPYTER,
    );
  }
}

async function timed(python: JsonLinePython, code: string, expected: string): Promise<Figures> {
  const started = performance.now();
  requireValue(await python.call(code), expected);
  return { ms: performance.now() - started };
}

/** The same call through the whole server, next to the port. */
export async function benchClient(place: Place): Promise<void> {
  await withRig({ GANTRY_SANDBOX: place.name }, (rig) =>
    withProvider(place, 0, async (provider) => {
      const session = await watchedSession(rig);
      const { port, client } = await interleave(
        { warmUp: 20, rounds: 100 },
        {
          port: async () => {
            const started = performance.now();
            requireValue((await exec(await acquire(provider, 'port'), '1+1')).value, '2');
            return { ms: performance.now() - started };
          },
          client: async () => {
            const started = performance.now();
            const { completeAt, doneAt, value } = await session.invoke('python', { code: '1+1' });
            requireValue(value, '2');
            return { ms: completeAt - started, doneMs: doneAt - started };
          },
        },
      );
      printHeading('  a warm call of 1+1 through the whole server, 100 rounds');
      printRow('client, tool.invoke to complete', figureOf(client, 'ms'), 'ms');
      printRow('client, tool.invoke to done', figureOf(client, 'doneMs'), 'ms');
      printRatio(`client / ${place.name} port`, figureOf(client, 'ms'), figureOf(port, 'ms'));
    }),
  );
}
