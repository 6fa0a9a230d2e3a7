import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import type { ExecutionLimits, ExecutionResult, Sandbox } from '../../src/sandbox/sandbox.js';
import { describeWithDocker } from '../support/docker.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
const MEBIBYTE = 2 ** 20;

describeWithDocker("a call's result tells what its output does not", () => {
  const provider = new DockerSandboxProvider(
    {
      ...SANDBOX_DEFAULTS,
      instanceId: `test-calls-${process.pid}`,
      image,
      memoryBytes: 256 * MEBIBYTE,
      workspaceBytes: 30 * MEBIBYTE,
    },
    () => undefined,
  );
  let sandbox: Sandbox;

  beforeAll(async () => {
    await provider.ready();
    sandbox = await provider.acquire({ sessionId: 'sess_calls', runId: 'run_1', generation: 1 });
  });
  afterAll(() => provider.close());

  const exec = (code: string, limits: Partial<ExecutionLimits> = {}): Promise<ExecutionResult> =>
    sandbox.exec(code, { timeoutMs: 60_000, ...limits }, () => undefined, new AbortController().signal);
  const shell = (command: string, limits: Partial<ExecutionLimits> = {}): Promise<ExecutionResult> =>
    sandbox.shell([command], { timeoutMs: 60_000, ...limits }, () => undefined, new AbortController().signal);
  const textOf = async (path: string): Promise<string> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of sandbox.read(path, 64 * MEBIBYTE)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };

  test('output over the cap is a file of the working directory', async () => {
    const result = await exec('for number in range(20_000): print(number)', { maxOutputBytes: 100 });
    const whole = Array.from({ length: 20_000 }, (_, number) => `${number}\n`).join('');
    const [overflow] = result.overflows;
    expect(overflow).toMatchObject({ stream: 'stdout', droppedBytes: whole.length - 100 });
    expect([result.stdout, result.droppedBytes]).toEqual([whole.slice(0, 100), whole.length - 100]);
    const path = overflow?.file?.path ?? '';
    expect(result.changes).toMatchObject([{ change: 'created', path, bytes: whole.length }]);
    expect(await textOf(path)).toBe(whole);
    await sandbox.remove(path);
  });

  test('the file has a cap, and a full working directory breaks nothing', async () => {
    const capped = await shell(`head -c ${20 * MEBIBYTE} /dev/zero | tr '\\0' x`, { maxOutputBytes: 100 });
    expect(capped).toMatchObject({
      outcome: 'completed',
      overflows: [{ stream: 'stdout', file: { bytes: 16 * MEBIBYTE, missingBytes: 4 * MEBIBYTE } }],
    });
    const full = await shell(`head -c ${20 * MEBIBYTE} /dev/zero | tr '\\0' x`, { maxOutputBytes: 100 });
    expect(full).toMatchObject({
      outcome: 'completed',
      changes: [],
      overflows: [{ problem: 'the working directory is full', droppedBytes: 20 * MEBIBYTE - 100 }],
    });
    await shell('rm -r output');
  });

  test('processor time, peak memory and kills for memory are counted by the control group', async () => {
    const busy = await shell(
      'python3 -c "x = bytearray(60_000_000); sum(i * i for i in range(1_000_000))" & wait',
    );
    expect(busy).toMatchObject({ outcome: 'completed', oomKills: 0 });
    expect(busy.cpuMs).toBeGreaterThan(20);
    expect(busy.peakMemoryBytes).toBeGreaterThan(60_000_000);
    const survived = await exec(
      'import subprocess\nsubprocess.run(["python3", "-c", "bytearray(2 ** 30)"]).returncode',
    );
    expect(survived).toMatchObject({ outcome: 'completed', value: '-9', oomKills: 1, stateKept: true });
    expect(survived.peakMemoryBytes).toBeGreaterThan(200 * MEBIBYTE);
    expect(await exec('1 + 1')).toMatchObject({ value: '2', oomKills: 0 });
  });

  test('kept processes are listed by every call and outlive an interpreter and a bomb', async () => {
    const kept = await shell('sleep 600 & cd /tmp', { background: 'keep' });
    expect(kept.background).toMatchObject([{ pid: expect.any(Number) as number }]);
    const pids = async (code: string): Promise<number[]> =>
      (await exec(code)).background.map(({ pid }) => pid);
    const [pid] = kept.background.map((process) => process.pid);
    expect(await pids('import os; os._exit(3)')).toEqual([pid]);
    await shell('bomb() { bomb | bomb & }; bomb; sleep 60', { timeoutMs: 500, background: 'keep' });
    expect(await pids('1 + 1')).toEqual([pid]);
  });

  test('closed streams are told', async () => {
    expect((await exec('import os; os.close(1); print("lost")')).closedStreams).toEqual(['stdout']);
    expect(await exec('print("heard")')).toMatchObject({ stdout: 'heard\n', closedStreams: [] });
  });

  test('of a picture that moves without an end the last frames are kept', async () => {
    const result = await exec('import matplotlib.pyplot as plt\nplt.gca()\nfor _ in range(70): plt.pause(0)');
    expect(result).toMatchObject({ outcome: 'completed', videoFrameCount: 70 });
    expect(result.videoFrames).toHaveLength(60);
    expect(result.images).toHaveLength(1);
  });

  test('code that is too long for a frame is refused, and the sandbox lives', async () => {
    await expect(exec(`"${'\u0001'.repeat(3 * MEBIBYTE)}"`)).rejects.toMatchObject({ code: 'too_large' });
    expect((await exec(`len("${'é'.repeat(2 * MEBIBYTE)}")`)).value).toBe(String(2 * MEBIBYTE));
    expect((await exec('1 + 1')).value).toBe('2');
  });
});
