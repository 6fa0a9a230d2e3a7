import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBubblewrap, optionsIn } from './bubblewrap-program.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-bwrap-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that prints what bubblewrap prints about itself. */
async function stub(...options: string[]): Promise<string> {
  const path = join(folder, 'bwrap');
  const help = [
    'usage: bwrap [OPTIONS...] COMMAND',
    '',
    ...options.map((option) => `    ${option}  what --it does`),
  ];
  await writeFile(path, `#!/bin/sh\ncat <<'END'\n${help.join('\n')}\nEND\n`);
  await chmod(path, 0o755);
  return path;
}

test('options are read off the help, and not off what it says about them', () => {
  const help =
    'usage: x\n\n    --uid UID                    needs --unshare-user\n    --as-pid-1                   Do';
  expect([...optionsIn(help)]).toEqual(['--uid', '--as-pid-1']);
});

test('one that has all that is needed is found, with what it knows beyond', async () => {
  const needed = [
    '--as-pid-1',
    '--clearenv',
    '--die-with-parent',
    '--new-session',
    '--seccomp FD',
    '--size BYTES',
  ];
  const found = await findBubblewrap(await stub(...needed, '--disable-userns'));
  expect(found).toMatchObject({ kind: 'found' });
  expect(found.kind === 'found' && found.options.has('--disable-userns')).toBe(true);
});

test('an old one is told apart from none', async () => {
  expect(await findBubblewrap(await stub('--seccomp FD'))).toMatchObject({
    kind: 'unusable',
    reason: expect.stringMatching(/too old, it lacks --as-pid-1, .*--size/),
  });
  expect(await findBubblewrap(join(folder, 'absent'))).toMatchObject({
    kind: 'unusable',
    reason: expect.stringContaining('apt-get install bubblewrap'),
  });
});

test('one that fails says what it said', async () => {
  const path = await stub();
  await writeFile(path, '#!/bin/sh\necho "cannot load libcap" >&2\nexit 127\n');
  expect(await findBubblewrap(path)).toMatchObject({ reason: expect.stringContaining('cannot load libcap') });
});
