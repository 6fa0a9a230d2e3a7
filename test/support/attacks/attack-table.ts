import type { Trial } from './attack-trial.js';

/** One line an attack, and the sum of them. */
export function attackTable(title: string, trials: readonly Trial[], grownBytes: number): string {
  const width = Math.max(0, ...trials.map(({ name }) => name.length));
  const lines = trials.map(({ name, outcome, sandbox, ms, complaints }) =>
    [
      name.padEnd(width),
      outcome.padEnd(14),
      sandbox.padEnd(9),
      `${Math.round(ms)} ms`.padStart(9),
      complaints.length === 0 ? '' : ' WRONG',
    ].join(' '),
  );
  const count = (sandbox: Trial['sandbox']): number =>
    trials.filter((trial) => trial.sandbox === sandbox).length;
  const wrong = trials.filter(({ complaints }) => complaints.length > 0).length;
  const total =
    `${title}: ${trials.length} attacks, sandbox kept ${count('kept')}, replaced ${count('replaced')}, ` +
    `gone ${count('gone')}; ${wrong} not contained as they should be; ` +
    `the server grew by ${Math.round(grownBytes / 2 ** 20)} MiB at most`;
  return [...lines, total].join('\n');
}
