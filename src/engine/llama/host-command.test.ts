import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SOURCE_FLAGS } from '../../run-from-source.js';

const run = promisify(execFile);
const TELL = `import { hostCommand } from '${new URL('./host-command.ts', import.meta.url).href}';
console.log(JSON.stringify(hostCommand().environment));`;

/** What a host is given by a server that was itself started with this environment. */
async function environmentOfHost(environment: Record<string, string>): Promise<unknown> {
  const args = [...SOURCE_FLAGS, '--input-type=module', '--eval', TELL];
  const { stdout } = await run(process.execPath, args, { env: environment });
  return JSON.parse(stdout);
}

test('a host keeps compiled code where the server does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-compiled-'));
  try {
    expect(await environmentOfHost({ NODE_COMPILE_CACHE: folder })).toEqual({ NODE_COMPILE_CACHE: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a host keeps none where the server keeps none', async () =>
  expect(await environmentOfHost({})).toEqual({}));
