import { expect, test } from 'vitest';
import { thisMachine } from '../../src/sandbox/bubblewrap/bubblewrap-machine.js';
import type { ExecutionResult, Sandbox } from '../../src/sandbox/sandbox.js';
import { describeWithBubblewrap } from '../support/bubblewrap.js';
import { bubblewrapProviders } from '../support/bubblewrap-providers.js';

const provide = bubblewrapProviders();

const spec = (sessionId: string) => ({ sessionId, runId: 'run_1', generation: 1 });

function exec(sandbox: Sandbox, code: string): Promise<ExecutionResult> {
  return sandbox.exec(code, { timeoutMs: 60_000 }, () => undefined, new AbortController().signal);
}

const noControlGroups = thisMachine('bwrap', async () => undefined);

describeWithBubblewrap('limits', () => {
  test('the processes of a sandbox are limited with and without control groups', async () => {
    const count = `
import os, signal
n = 0
try:
    while n < 300:
        child = os.fork()
        if child == 0: signal.pause()
        n += 1
except OSError: pass
n`;
    for (const machine of [thisMachine(), noControlGroups]) {
      const provider = await provide({ pids: 40 }, machine);
      const { value } = await exec(await provider.acquire(spec('sess_forks')), count);
      expect(Number(value)).toBeGreaterThan(10);
      expect(Number(value)).toBeLessThanOrEqual(40);
    }
  });

  test('without control groups each process has the memory, and that is what is said', async () => {
    const provider = await provide({ memoryBytes: 400 * 2 ** 20 }, noControlGroups);
    const sandbox = await provider.acquire(spec('sess_memory'));
    expect((await exec(sandbox, 'len(bytearray(100 << 20))')).value).toBe(String(100 * 2 ** 20));
    const result = await exec(sandbox, 'x = bytearray(600 << 20)');
    expect(result).toMatchObject({ outcome: 'failed', stateKept: true });
    expect(result.exception).toContain('MemoryError');
    expect(provider.protections().memoryBytes).toBeUndefined();
    expect(provider.protections().notes.join(' ')).toContain('for each process, not for all together');
  });

  test('with control groups all of a sandbox shares the memory, and running out is told as such', async () => {
    const provider = await provide({ memoryBytes: 256 * 2 ** 20 });
    const sandbox = await provider.acquire(spec('sess_group'));
    if (provider.protections().memoryBytes === undefined) return;
    const result = await exec(sandbox, 'x = bytearray(600 << 20)');
    expect(result).toMatchObject({ outcome: 'out_of_memory', stateKept: false });
    expect((await exec(sandbox, '1 + 1')).value).toBe('2');
  });
});
