import { readFileSync } from 'node:fs';

/**
 * The numbers in vitest's JSON report; all zero when it wrote none, which its exit code then tells.
 * @param {string} path
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function readTotals(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
