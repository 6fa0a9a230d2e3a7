import { expect, test } from 'vitest';
import { barLoadReport, lineLoadReport } from './load-report.js';

const download = (fraction: number) => ({
  phase: 'download',
  bytes_loaded: fraction * 2048,
  bytes_total: 2048,
  fraction,
});
const context = { phase: 'context', bytes_loaded: 0, bytes_total: 0, fraction: 0 };
const nothing = { ...context, phase: null };

test('a line for each tenth of a phase, with what is fetched', () => {
  const written: string[] = [];
  const report = lineLoadReport((text) => written.push(text));
  for (const progress of [nothing, download(0.5), download(0.52), download(0.75), context])
    report.show(progress);
  report.end();
  expect(written).toEqual([
    'download  50 %  1.0 KiB of 2.0 KiB\n',
    'download  75 %  1.5 KiB of 2.0 KiB\n',
    'context    0 %\n',
  ]);
});

test('a bar that is drawn over itself, and a new one for each phase', () => {
  let written = '';
  const report = barLoadReport((text) => (written += text));
  report.end();
  report.show(download(0.5));
  report.show(context);
  report.end();
  expect(written).toBe(
    `\r\u001B[Kdownload  50 % ${'#'.repeat(12)}${'.'.repeat(12)}  1.0 KiB of 2.0 KiB\n` +
      `\r\u001B[Kcontext    0 % ${'.'.repeat(24)}\n`,
  );
});
