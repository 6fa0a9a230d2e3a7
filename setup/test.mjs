import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { inProjectNode } from './in-project-node.mjs';
import { projectRoot, toolchainFolder } from './paths.mjs';
import { say, step } from './progress.mjs';
import { runInForeground } from './run-in-foreground.mjs';
import { readTotals } from './test-totals.mjs';

/** `npm test`: set-up, the checks on the code, all tests. With arguments for vitest: those tests alone. */
async function main() {
  const argumentList = process.argv.slice(2);
  const { prepareBubblewrap, prepareEngine, prepareProgram, secondEngine } = await import('./set-up.mjs');
  const { runChecks } = await import('./checks.mjs');
  await prepareProgram();
  const lacking = lackingIn({
    DOCKER: await prepareEngine(),
    BUBBLEWRAP: await prepareBubblewrap(join(toolchainFolder, 'rootfs')),
    SECOND_ENGINE: await secondEngine(),
  });
  const failedChecks =
    argumentList.length > 0 ? [] : await step('checks', 'the code itself', () => runChecks());
  const { code, totals } = await runTests(argumentList, lacking);
  for (const { name, reason, remedy } of lacking) {
    say(`\nTESTS THAT NEED ${name} WERE SKIPPED: ${reason.toUpperCase()}\n    to run them: ${remedy}`);
  }
  if (failedChecks.length > 0) say(`\nfailed checks on the code: ${failedChecks.join(', ')}`);
  // A failure outside any test (a file that does not load, an error after the end) must show in the numbers too.
  const failedTests = code !== 0 && totals.failed === 0 ? 1 : totals.failed;
  const failed = failedTests + failedChecks.length;
  console.log(`${totals.passed} passed, ${failed} failed, ${totals.skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/**
 * @typedef {{ name: string, reason: string, remedy: string }} Lack
 * @param {Record<string, import('./set-up.mjs').Prepared>} prepared
 * @returns {Lack[]}
 */
function lackingIn(prepared) {
  return Object.entries(prepared).flatMap(([name, state]) =>
    state.kind === 'off' ? [{ ...state, name }] : [],
  );
}

/**
 * @param {readonly string[]} argumentList
 * @param {readonly Lack[]} lacking
 */
async function runTests(argumentList, lacking) {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-test-report-'));
  const report = join(folder, 'report.json');
  const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const env = childEnvironment(process.env);
  // Tests set what they need; a person's own settings must not leak in.
  for (const name of Object.keys(env)) {
    if (/^(GANTRY_(?!CHAOS_)|MODEL$|DATABASE_URL$|PORT$|HOST$)/.test(name)) delete env[name];
  }
  for (const { name, reason } of lacking) env[`GANTRY_TEST_WITHOUT_${name}`] = reason;
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
