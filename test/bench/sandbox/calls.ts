import {
  figureOf,
  type Figures,
  interleave,
  printAim,
  printHeading,
  printRatio,
  printRow,
} from '../measure.js';
import type { SandboxProvider } from '../../../src/sandbox/sandbox.js';
import { withRig } from '../rig.js';
import { watchedSession } from '../watched-session.js';
import { type Cell, type CellResult, HEAVY_CELLS, LIGHT_CELLS, requireResult } from './cells.js';
import { startJupyter } from './jupyter.js';
import { JsonLinePython } from './json-line-python.js';
import { acquire, exec, type Place, requireValue, withProvider } from './places.js';

const MOST_OVER_PIPE = 2.5;
const LEAST_UNDER_JUPYTER = 5;
/** What is run before it is measured, for each round that is. */
const WARM_UP = 0.2;

type Run = (code: string) => Promise<CellResult>;

/** A warm call: through each sandbox port, over the pipe of a plain interpreter, through Jupyter, as a client sees it. */
export async function benchCalls(places: readonly Place[]): Promise<void> {
  const pipe = JsonLinePython.bare();
  const jupyter = await startJupyter();
  if (typeof jupyter === 'string') printHeading(`  ${jupyter}`);
  const others: Record<string, Run> =
    typeof jupyter === 'string' ? {} : { jupyter: (code) => jupyter.call(code) };
  try {
    for (const cell of LIGHT_CELLS)
      await benchCell(cell, places, { pipe: (code) => pipe.call(code), ...others });
    for (const cell of HEAVY_CELLS) await benchCell(cell, places, others);
  } finally {
    await pipe.stop();
    if (typeof jupyter !== 'string') await jupyter.stop();
  }
}

const OTHERS = {
  pipe: 'bare pipe to python3',
  jupyter: 'jupyter kernel through jupyter_client',
} as const;

async function benchCell(
  cell: Cell,
  places: readonly Place[],
  others: Readonly<Record<string, Run>>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: Record<string, () => Promise<Figures>> = {};
  for (const [name, run] of Object.entries(others)) contenders[name] = () => timed(run, cell);
  for (const place of places) {
    const provider = place.provide(0);
    stack.defer(() => provider.close());
    contenders[place.name] = () => timed((code) => throughPort(provider, code), cell);
  }
  const measured = await interleave({ warmUp: WARM_UP * cell.rounds, rounds: cell.rounds }, contenders);
  printHeading(`  a warm call of ${cell.title}, ${cell.rounds} rounds`);
  const ms = (name: string): number[] => figureOf(measured[name] ?? [], 'ms');
  for (const [name, label] of Object.entries(OTHERS)) {
    if (name in others) printRow(label, ms(name), 'ms');
  }
  for (const { name } of places) {
    printRow(`${name} port, acquire and exec`, ms(name), 'ms');
    if ('pipe' in others) {
      const overPipe = printRatio(`${name} / pipe`, ms(name), ms('pipe'));
      printAim(`${name} / pipe at most ${MOST_OVER_PIPE}`, overPipe, overPipe <= MOST_OVER_PIPE);
    }
    if (!('jupyter' in others)) continue;
    const underJupyter = printRatio(`jupyter / ${name}`, ms('jupyter'), ms(name));
    // What a heavy cell itself takes is the same everywhere: the aim is about what a call adds.
    if (!('pipe' in others)) continue;
    const isMet = underJupyter >= LEAST_UNDER_JUPYTER;
    printAim(`jupyter / ${name} at least ${LEAST_UNDER_JUPYTER}`, underJupyter, isMet);
  }
}

async function throughPort(provider: SandboxProvider, code: string): Promise<CellResult> {
  const { value, images, stdout } = await exec(await acquire(provider, 'call'), code);
  return { value, pictures: images.length, printedBytes: Buffer.byteLength(stdout) };
}

async function timed(run: Run, cell: Cell): Promise<Figures> {
  const started = performance.now();
  const result = await run(cell.code);
  const ms = performance.now() - started;
  requireResult(result, cell);
  return { ms };
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
