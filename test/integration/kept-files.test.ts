import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { describeWithBubblewrap } from '../support/bubblewrap.js';
import { bubblewrapProviders } from '../support/bubblewrap-providers.js';
import { until } from '../support/until.js';
import { openFilesFixture, type FilesFixture } from './files-fixture.js';
import { WorkspaceScene } from './workspace-scene.js';

const BOUND_MS = 20_000;
const linesOfLog = (lines: number): string =>
  `until [ "$(wc -l < log.txt)" = ${lines} ]; do sleep 0.05; done`;
const WRITER = [
  'echo one',
  'until [ -e go ]; do sleep 0.05; done; echo two',
  'until [ -e end ]; do sleep 0.05; done; echo three; : > over',
].join('; ');

describeWithBubblewrap('a process that a call left running', () => {
  const newProvider = bubblewrapProviders();
  let fixture: FilesFixture;
  beforeAll(async () => {
    fixture = await openFilesFixture();
  });
  afterAll(() => fixture.close());

  test('goes on writing the file that it opened, whichever server makes the next call', async () => {
    const scene = await WorkspaceScene.open(fixture);
    const provider = await newProvider();
    const shell = (id: string, command: string) => {
      const { workspace } = scene.openCall(id, { service: scene.serviceOn(provider) });
      const limits = { timeoutMs: BOUND_MS, background: 'keep' } as const;
      return workspace.withSandbox((sandbox: Sandbox) =>
        sandbox.shell([command], limits, () => undefined, new AbortController().signal),
      );
    };
    await shell(
      'call_1',
      `(${WRITER}) > log.txt & until [ -e log.txt ]; do sleep 0.05; done; ${linesOfLog(1)}`,
    );
    expect(await scene.tree()).toEqual({ 'log.txt': 'one\n' });
    expect((await shell('call_2', `touch go; ${linesOfLog(2)}`)).outcome).toBe('completed');
    const sandbox = provider.current(scene.sessionId);
    await sandbox?.write('end', new Uint8Array());
    const isOver = async () => ((await sandbox?.list()) ?? []).some(({ path }) => path === 'over');
    await until('the process is over', BOUND_MS, isOver);
    expect((await shell('call_3', 'cat log.txt')).stdout).toBe('one\ntwo\nthree\n');
    expect((await scene.tree())['log.txt']).toBe('one\ntwo\nthree\n');
  });
});
