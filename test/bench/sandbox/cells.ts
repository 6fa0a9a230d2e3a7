/** What a cell left behind, wherever it ran. */
export interface CellResult {
  /** Of its last expression, as Python writes it. */
  readonly value?: string | null | undefined;
  readonly pictures: number;
  /** Printed, in bytes of UTF-8. */
  readonly printedBytes: number;
}

/** What is asked everywhere, and what must come of it. */
export interface Cell {
  readonly title: string;
  readonly code: string;
  readonly rounds: number;
  readonly result: CellResult;
}

function expression(code: string, value: string, rounds: number): Cell {
  return { title: code, code, rounds, result: { value, pictures: 0, printedBytes: 0 } };
}

/** Expressions: also the plainest interpreter can be asked them. */
export const LIGHT_CELLS: readonly Cell[] = [
  expression('1+1', '2', 200),
  expression('"x" * 1000', `'${'x'.repeat(1000)}'`, 100),
  expression('sum(range(100_000))', '4999950000', 100),
];

/** What sessions really do. */
export const HEAVY_CELLS: readonly Cell[] = [
  {
    title: 'numpy: shuffle and sort 100,000 numbers',
    code: 'import numpy\nint(numpy.sort(numpy.random.default_rng(1).permutation(100_000))[-1])',
    rounds: 20,
    result: { value: '99999', pictures: 0, printedBytes: 0 },
  },
  {
    title: 'a figure of matplotlib',
    code: 'import matplotlib.pyplot as plt\nplt.plot([3, 1, 4, 1, 5])\nplt.title("a figure")\nplt.show()',
    rounds: 20,
    result: { pictures: 1, printedBytes: 0 },
  },
  {
    title: '1 MB of output in 10,000 lines',
    code: 'for _ in range(10_000): print("x" * 99)',
    rounds: 20,
    result: { pictures: 0, printedBytes: 1_000_000 },
  },
];

export function requireResult(result: CellResult, { title, result: expected }: Cell): void {
  const told = ({ value, pictures, printedBytes }: CellResult): string =>
    `${value ?? 'no value'}, ${pictures} pictures and ${printedBytes} bytes`;
  if (told(result) !== told(expected)) {
    throw new Error(`A call of ${title} gave ${told(result)} instead of ${told(expected)}.`);
  }
}
