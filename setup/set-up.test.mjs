import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment } from './child-environment.mjs';
import { withLock } from './clone-lock.mjs';
import { isSuitable } from './node-runtime.mjs';
import { toolchainFolder } from './paths.mjs';
import { runCommand } from './run-command.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';
import { readTotals } from './test-totals.mjs';

let folder;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'gantry-setup-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the set-up lock', () => {
  it('lets one at a time work', async () => {
    let inside = 0;
    let most = 0;
    const work = () =>
      withLock(async () => {
        inside += 1;
        most = Math.max(most, inside);
        await runCommand('true', []);
        inside -= 1;
      }, folder);
    await Promise.all([work(), work(), work()]);
    expect(most).toBe(1);
    expect(existsSync(join(folder, 'setup.lock'))).toBe(false);
  });

  it.each(['4194303 12345', `${process.pid} 1`, '', 'x'])(
    'is taken over from a holder that is gone: "%s"',
    async (holder) => {
      writeFileSync(join(folder, 'setup.lock'), holder);
      expect(await withLock(async () => 'done', folder)).toBe('done');
    },
  );
});

describe('stamps and hashes', () => {
  it('change with a name, with a content, and not otherwise', () => {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src', 'a.ts'), 'one');
    const first = hashFiles(folder, ['src', 'absent']);
    expect(hashFiles(folder, ['src'])).toBe(first);
    writeFileSync(join(folder, 'src', 'a.ts'), 'two');
    expect(hashFiles(folder, ['src'])).not.toBe(first);
    writeFileSync(join(folder, 'src', 'a.ts'), 'one');
    writeFileSync(join(folder, 'src', 'b.ts'), '');
    expect(hashFiles(folder, ['src'])).not.toBe(first);
  });

  it('are whole or absent', () => {
    const path = join(folder, 'deep', 'stamp');
    expect(readStamp(path)).toBeUndefined();
    writeStamp(path, 'content');
    expect(readStamp(path)).toBe('content');
  });
});

it('hands children no setting of the npm that runs us, save how to reach the registry', () => {
  const given = {
    npm_config_prefix: '/x',
    npm_config_cache: '/c',
    npm_lifecycle_event: 'start',
    HOME: '/h',
    PATH: '/bin',
  };
  expect(childEnvironment(given, '/node/bin/node')).toEqual({
    npm_config_cache: '/c',
    HOME: '/h',
    NODE_COMPILE_CACHE: join(toolchainFolder, 'compile-cache'),
    PATH: '/node/bin:/bin',
  });
  expect(childEnvironment({ NODE_COMPILE_CACHE: '/own' })).toMatchObject({ NODE_COMPILE_CACHE: '/own' });
});

it.each([
  ['20.20.2', false],
  ['24.10.0', false],
  ['24.11.0', true],
  ['v24.21.0', true],
  ['26.0.0', false],
])('Node %s suits: %s', (version, suits) => expect(isSuitable(version)).toBe(suits));

describe('the totals of a test run', () => {
  it('are the report’s', () => {
    const report = join(folder, 'report.json');
    writeFileSync(report, '{"numPassedTests":5,"numFailedTests":1,"numPendingTests":2,"numTodoTests":1}');
    expect(readTotals(report)).toEqual({ passed: 5, failed: 1, skipped: 3 });
  });

  it('are zero without one', () => {
    expect(readTotals(join(folder, 'none'))).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

it('shows the output of a command that failed', async () => {
  await expect(runCommand('sh', ['-c', 'echo why; exit 3'])).rejects.toThrow(/code 3\nwhy/);
  await expect(runCommand(join(folder, 'absent'), [])).rejects.toThrow(/ENOENT/);
});

it('keeps the compose file and the sources it names together', () => {
  const compose = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8');
  expect(compose).toMatch(/'127\.0\.0\.1:\$\{PORT:-8080\}:8080'/);
  expect(compose).not.toMatch(/^\s*- .*docker\.sock/m);
  expect(compose).toMatch(/^ {4}PGPASSWORD: \$\{POSTGRES_PASSWORD:/m);
  expect(compose).not.toMatch(/DATABASE_URL: .*\$/);
  for (const entry of ['src/main.ts', 'src/worker.main.ts', 'Dockerfile']) {
    expect(existsSync(new URL(`../${entry}`, import.meta.url))).toBe(true);
  }
});
