import { printHeading, printRatio, printRow } from '../measure.js';
import { JsonLinePython } from './json-line-python.js';
import { acquire, exec, type Place, requireValue, withProvider } from './places.js';

const SANDBOXES = 16;
const CALLS = 100;
const CODE = '1+1';

/** Sixteen sessions that call as fast as they are answered, next to as many plain interpreters. */
export async function benchCrowd(places: readonly Place[]): Promise<void> {
  printHeading(`  ${SANDBOXES} at once, ${CALLS} calls of ${CODE} each`);
  const pipes = Array.from({ length: SANDBOXES }, () => JsonLinePython.bare());
  const bare = await all(pipes.map((pipe) => async () => (await pipe.call(CODE)).value ?? undefined));
  await Promise.all(pipes.map((pipe) => pipe.stop()));
  report('bare pipes', bare);
  for (const place of places) {
    const port = await withProvider(place, 0, async (provider) => {
      const sandboxes = [];
      for (let number = 0; number < SANDBOXES; number += 1) {
        sandboxes.push(await acquire(provider, String(number)));
      }
      return all(sandboxes.map((sandbox) => async () => (await exec(sandbox, CODE)).value));
    });
    report(`${place.name} port`, port);
    printRatio(`${place.name} / bare, time of a call`, port.each, bare.each);
  }
}

interface Crowd {
  readonly each: readonly number[];
  readonly perSecond: number;
}

async function all(calls: readonly (() => Promise<string | undefined>)[]): Promise<Crowd> {
  for (const call of calls) requireValue(await call(), '2');
  const each: number[] = [];
  const started = performance.now();
  await Promise.all(
    calls.map(async (call) => {
      for (let number = 0; number < CALLS; number += 1) {
        const asked = performance.now();
        requireValue(await call(), '2');
        each.push(performance.now() - asked);
      }
    }),
  );
  return { each, perSecond: (calls.length * CALLS * 1000) / (performance.now() - started) };
}

function report(label: string, { each, perSecond }: Crowd): void {
  printRow(`${label}: a call`, each, 'ms');
  printRow(`${label}: all together`, [perSecond], 'calls/s');
}
