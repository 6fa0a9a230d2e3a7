import { curve, type Sample, slopePerMinute } from './curve.js';

/** Caches fill first: what grows after this share of the time grows on. */
const WARM_UP_SHARE = 0.3;

/** One figure of the soak over time. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  /** Growth over this a minute is told. */
  readonly mostPerMinute: number;
  readonly read: () => number | Promise<number>;
  readonly samples: Sample[];
}

export function series(
  name: string,
  unit: string,
  mostPerMinute: number,
  read: () => number | Promise<number>,
): Series {
  return { name, unit, mostPerMinute, read, samples: [] };
}

export function printSeries({ name, unit, mostPerMinute, samples }: Series): void {
  const values = samples.map(({ value }) => value);
  const slope = slopePerMinute(samples.slice(Math.floor(samples.length * WARM_UP_SHARE)));
  const verdict = slope <= mostPerMinute ? 'flat' : `GROWS, over ${mostPerMinute}`;
  const range = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)} ${unit}`.trim();
  process.stdout.write(
    `  ${name.padEnd(26)} ${curve(samples)}\n  ${''.padEnd(26)} ${range}, at the end ${values.at(-1)?.toFixed(0)}; ` +
      `${slope.toFixed(2)} a minute after the first ${WARM_UP_SHARE * 100} %: ${verdict}\n`,
  );
}
