import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureBubblewrap } from './bubblewrap.mjs';

let folder;
let programs;
let machine;
let roots;

/** A stand-in for a program: it writes down its name and first arguments, then runs the given shell lines. */
function stub(name, lines = '') {
  const path = join(programs, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${lines}\n`);
  chmodSync(path, 0o755);
}

/** An apt-get whose installation brings the programs of those names. */
function stubApt(...brought) {
  const bring = brought.map(
    (name) => `printf '#!/bin/sh\\n' > "${programs}/${name}"; chmod +x "${programs}/${name}"`,
  );
  stub(
    'apt-get',
    `[ "$1" = install ] || exit 0\ncase "$*" in *${brought[0]}*|*bubblewrap*) ${bring.join('; ')};; esac`,
  );
}

function calls() {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

/** Answers each build in turn. */
function building(...answers) {
  return async (into) => {
    roots.push(into);
    return answers.shift() ?? { state: 'ready' };
  };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-bubblewrap-'));
  programs = join(folder, 'bin');
  mkdirSync(programs);
  roots = [];
  machine = {
    env: { PATH: `${programs}:/usr/bin:/bin`, CI: '1' },
    isRoot: false,
    programFolders: [programs],
  };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(process.platform === 'linux')('ensureBubblewrap', () => {
  it('takes what is there, once a sandbox has started', async () => {
    stub('bwrap');
    expect(await ensureBubblewrap(machine, '/roots', building())).toEqual({ kind: 'ready' });
    expect(calls()).toEqual([expect.stringMatching(/^bwrap --unshare-all .* \/bin\/true$/)]);
    expect(roots).toEqual(['/roots']);
  });

  it('tries it as an ordinary account when it is root, as sandboxes are started', async () => {
    stub('bwrap');
    stub('setpriv', 'exit 0');
    await ensureBubblewrap({ ...machine, isRoot: true }, '/roots', building());
    expect(calls()).toEqual([expect.stringMatching(/^setpriv --reuid 65534 .*bwrap --unshare-all/)]);
  });

  it('installs bubblewrap as root without asking where nobody can be asked', async () => {
    stub('setpriv', 'exit 0');
    stubApt('bwrap');
    const state = await ensureBubblewrap({ ...machine, isRoot: true }, '/roots', building());
    expect(state).toEqual({ kind: 'ready' });
    expect(calls()[0]).toBe('apt-get install -y --no-install-recommends bubblewrap');
  });

  it('fetches the package lists when the first installation fails, and says why when both do', async () => {
    stub('apt-get', 'echo "Unable to locate package" >&2; [ "$1" = update ]');
    const state = await ensureBubblewrap({ ...machine, isRoot: true }, '/roots', building());
    expect(state.kind).toBe('off');
    expect(state.reason).toMatch(/Unable to locate package/);
    expect(calls().map((line) => line.split(' ')[1])).toEqual(['install', 'update', 'install']);
  });

  it('tells an ordinary account what root would have to do', async () => {
    stub('apt-get');
    expect(await ensureBubblewrap(machine, '/roots', building())).toEqual({
      kind: 'off',
      reason: 'bubblewrap is not installed',
      remedy: 'as root: apt-get install bubblewrap',
    });
    expect(calls()).toEqual([]);
  });

  it('says what bubblewrap said when no sandbox starts, and builds nothing', async () => {
    stub('bwrap', 'echo "bwrap: No permissions to create new namespace" >&2; exit 1');
    const state = await ensureBubblewrap(machine, '/roots', building());
    expect(state.reason).toMatch(/No permissions to create new namespace/);
    expect(state.remedy).toMatch(/user namespaces/);
    expect(roots).toEqual([]);
  });

  it('installs debootstrap only when there is no image to take the root file system from', async () => {
    stub('bwrap');
    stub('setpriv', 'exit 0');
    stubApt('debootstrap');
    const make = building(
      { state: 'unavailable', reason: 'debootstrap is not installed' },
      { state: 'ready' },
    );
    expect(await ensureBubblewrap({ ...machine, isRoot: true }, '/roots', make)).toEqual({ kind: 'ready' });
    expect(calls().at(-1)).toBe('apt-get install -y --no-install-recommends debootstrap');
    expect(roots).toHaveLength(2);
  });

  it('says why there is no root file system', async () => {
    stub('bwrap');
    stub('debootstrap');
    const state = await ensureBubblewrap(
      machine,
      '/roots',
      building({ state: 'unavailable', reason: 'it needs root' }),
    );
    expect(state).toMatchObject({ kind: 'off', reason: 'there is no root file system: it needs root' });
  });
});
