import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secondEngineState } from './second-engine.mjs';

describe('secondEngineState', () => {
  /** @type {string} */
  let folder;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-second-engine-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** @param {string} name @param {string} body */
  const program = (name, body) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const stateOf = (isRoot = true) =>
    secondEngineState({ env: process.env, isRoot, programFolders: [folder] });

  it('says what is missing: rights, the program, mounts', async () => {
    expect(await stateOf(false)).toMatchObject({ kind: 'off', reason: expect.stringContaining('root') });
    expect(await stateOf()).toMatchObject({ kind: 'off', reason: expect.stringContaining('no dockerd') });
    program('dockerd', 'exit 0');
    program('unshare', 'echo refused >&2; exit 1');
    expect(await stateOf()).toMatchObject({ kind: 'off', reason: expect.stringContaining('mount') });
    program('unshare', 'exit 0');
    expect(await stateOf()).toEqual({ kind: 'ready' });
  });
});
