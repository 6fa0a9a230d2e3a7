import { once } from 'node:events';
import { access, chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { serve } from '../../src/serve.js';

test('a start whose port is taken ends the PostgreSQL that it has started', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gantry-failed-start-'));
  await chmod(home, 0o711);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(async () => {
    other.close();
    await rm(home, { recursive: true });
  });
  const config = loadConfig({
    GANTRY_HOME: home,
    GANTRY_SANDBOX: 'none',
    GANTRY_WORKER: 'off',
    LOG_LEVEL: 'silent',
    PORT: String((other.address() as AddressInfo).port),
  });
  await expect(serve(config)).rejects.toThrow(/EADDRINUSE/);
  expect(await readFile(join(home, 'postgres', 'postgres.log'), 'utf8')).toContain('ready to accept');
  await expect(access(join(home, 'postgres', 'data', 'postmaster.pid'))).rejects.toThrow(/ENOENT/);
});
