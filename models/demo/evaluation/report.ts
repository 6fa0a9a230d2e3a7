import type { TurnReport } from './written-turn.js';

/** The interval in which the true share lies with 95 % confidence, after Wilson. */
export function wilson(right: number, total: number): { readonly low: number; readonly high: number } {
  if (total === 0) return { low: 0, high: 1 };
  const z = 1.96;
  const share = right / total;
  const scale = 1 + z ** 2 / total;
  const middle = (share + z ** 2 / (2 * total)) / scale;
  const reach = (z * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2))) / scale;
  return { low: Math.max(0, middle - reach), high: Math.min(1, middle + reach) };
}

/** Right and all, by family. */
export class Tally {
  private readonly rows = new Map<string, { right: number; total: number }>();
  private calls = 0;
  private invalidCalls = 0;
  private turnsWithoutCall = 0;
  private needlessCalls = 0;
  private completionTokens = 0;

  add(family: string, reports: readonly TurnReport[], counted: 'turns' | 'dialogues'): void {
    const turns = reports.map(({ faults }) => faults.length === 0);
    for (const isRight of counted === 'turns' ? turns : [turns.every(Boolean)]) this.count(family, isRight);
    for (const report of reports) {
      this.calls += report.calls;
      this.invalidCalls += report.invalidCalls;
      if (report.wantsNoCall) this.turnsWithoutCall += 1;
      if (report.wantsNoCall && report.calls > 0) this.needlessCalls += 1;
      this.completionTokens += report.completionTokens;
    }
  }

  table(): string {
    const rows = [...this.rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const sum = (field: 'right' | 'total') => rows.reduce((all, [, row]) => all + row[field], 0);
    const lines = [...rows, ['all', { right: sum('right'), total: sum('total') }] as const].map(
      ([family, { right, total }]) => {
        const { low, high } = wilson(right, total);
        return `| ${family} | ${right} / ${total} | ${percent(right / total)} | ${percent(low)} to ${percent(high)} |`;
      },
    );
    return ['| family | right | share | 95 % interval |', '|---|---|---|---|', ...lines].join('\n');
  }

  totals(seconds: number): string {
    const speed = (this.completionTokens / seconds).toFixed(0);
    return (
      `${this.calls} calls, ${this.invalidCalls} of them invalid\n` +
      `${this.turnsWithoutCall} turns want no call; in ${this.needlessCalls} of them there was one\n` +
      `${seconds.toFixed(1)} s in all; ${speed} tokens/s, tools and prompts included`
    );
  }

  private count(family: string, isRight: boolean): void {
    const row = this.rows.get(family) ?? { right: 0, total: 0 };
    this.rows.set(family, { right: row.right + (isRight ? 1 : 0), total: row.total + 1 });
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
