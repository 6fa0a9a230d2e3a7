import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { until } from '../support/until.js';

test('a server that is stopped before it is up ends the PostgreSQL that it has started', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gantry-stopped-start-'));
  await chmod(home, 0o711);
  onTestFinished(() => rm(home, { recursive: true }));
  const server = spawn(
    process.execPath,
    ['--no-node-snapshot', join(PROJECT_ROOT, 'dist', 'src', 'main.js')],
    {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        GANTRY_HOME: home,
        GANTRY_SANDBOX: 'none',
        PORT: '0',
      },
    },
  );
  const ended = once(server, 'exit');
  await until('PostgreSQL takes connections', 60_000, async () => {
    const log = await readFile(join(home, 'postgres', 'postgres.log'), 'utf8').catch(() => '');
    return log.includes('ready to accept');
  });
  server.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  await expect(access(join(home, 'postgres', 'data', 'postmaster.pid'))).rejects.toThrow(/ENOENT/);
});
