/** What one go of a contender gave, by figure. */
export type Figures = Readonly<Record<string, number>>;

/** The figures of every round, one list a contender, round by round the same index. */
export type Rounds<Name extends string> = Readonly<Record<Name, readonly Figures[]>>;

/**
 * Lets the contenders go one after the other, every round in the other direction, so that what else the machine
 * does hits them alike. Nothing is kept of the warm-up rounds.
 */
export async function interleave<Name extends string>(
  counts: { readonly warmUp: number; readonly rounds: number },
  contenders: Readonly<Record<Name, (round: number) => Promise<Figures>>>,
): Promise<Rounds<Name>> {
  const names = Object.keys(contenders) as Name[];
  const all = Object.fromEntries(names.map((name) => [name, [] as Figures[]])) as Record<Name, Figures[]>;
  for (let round = -counts.warmUp; round < counts.rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const figures = await contenders[name](round + counts.warmUp);
      if (round >= 0) all[name].push(figures);
    }
  }
  return all;
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly p95: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN, p95: at(0.95) };
}

export function figureOf(rounds: readonly Figures[], figure: string): number[] {
  return rounds.map((figures) => figures[figure] ?? Number.NaN);
}

export function printHeading(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

export function printRow(label: string, values: readonly number[], unit: string): void {
  const { median, min, max, p95 } = summarize(values);
  const cells = [`median ${shown(median)}`, `min ${shown(min)}`, `max ${shown(max)}`];
  if (values.length >= 20) cells.push(`p95 ${shown(p95)}`);
  process.stdout.write(`  ${label.padEnd(44)} ${cells.map((cell) => cell.padEnd(16)).join('')} ${unit}\n`);
}

/** The quotient of the medians, which it returns; and that of each round, where both sides met the same noise. */
export function printRatio(label: string, over: readonly number[], under: readonly number[]): number {
  const ofMedians = summarize(over).median / summarize(under).median;
  const { median, min, max } = summarize(over.map((value, round) => value / (under[round] ?? Number.NaN)));
  const range = `median ${median.toFixed(2)}, ${min.toFixed(2)} to ${max.toFixed(2)}`;
  process.stdout.write(`  ${label.padEnd(44)} ${ofMedians.toFixed(2)} (round by round: ${range})\n`);
  return ofMedians;
}

export function printAim(label: string, value: number, isMet: boolean): void {
  process.stdout.write(`  ${`aim: ${label}`.padEnd(44)} ${value.toFixed(2)}, ${isMet ? 'met' : 'NOT MET'}\n`);
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
