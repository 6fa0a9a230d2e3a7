import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { inProjectNode } from './in-project-node.mjs';
import { projectRoot } from './paths.mjs';
import { say, step } from './progress.mjs';
import { runInForeground } from './run-in-foreground.mjs';
import { readTotals } from './test-totals.mjs';

/** `npm test`: set-up, the checks on the code, all tests. With arguments for vitest: those tests alone. */
async function main() {
  const argumentList = process.argv.slice(2);
  const { prepareProgram, prepareSandbox } = await import('./set-up.mjs');
  const { runChecks } = await import('./checks.mjs');
  await prepareProgram();
  const sandbox = await prepareSandbox();
  const failedChecks =
    argumentList.length > 0 ? [] : await step('checks', 'the code itself', () => runChecks());
  const { code, totals } = await runTests(argumentList, sandbox);
  if (sandbox.kind === 'off') {
    say(`\nTESTS THAT NEED DOCKER WERE SKIPPED: ${sandbox.reason.toUpperCase()}`);
  }
  if (failedChecks.length > 0) say(`\nfailed checks on the code: ${failedChecks.join(', ')}`);
  // A failure outside any test (a file that does not load, an error after the end) must show in the numbers too.
  const failedTests = code !== 0 && totals.failed === 0 ? 1 : totals.failed;
  const failed = failedTests + failedChecks.length;
  console.log(`${totals.passed} passed, ${failed} failed, ${totals.skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/**
 * @param {readonly string[]} argumentList
 * @param {{ kind: 'ready' } | { kind: 'off', reason: string }} sandbox
 */
async function runTests(argumentList, sandbox) {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-test-report-'));
  const report = join(folder, 'report.json');
  const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const env = childEnvironment(process.env);
  // Tests set what they need; a person's own settings must not leak in.
  for (const name of Object.keys(env)) {
    if (/^(GANTRY_(?!CHAOS_)|MODEL$|DATABASE_URL$|PORT$|HOST$)/.test(name)) delete env[name];
  }
  if (sandbox.kind === 'off') env.GANTRY_TEST_WITHOUT_DOCKER = sandbox.reason;
  try {
    const options = ['--no-node-snapshot', vitest, 'run', ...reporters, ...argumentList];
    const code = await runInForeground(process.execPath, options, env);
    return { code, totals: readTotals(report) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

inProjectNode(main).catch((error) => {
  say(`\nthe tests could not be run: ${error.message}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
});
