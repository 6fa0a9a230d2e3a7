import { expect, test } from 'vitest';
import { CONFORMANCE_PROGRAMS, describeSandboxConformance } from '../conformance.suite.js';
import { ScriptedSandboxProvider } from './scripted-sandbox-provider.js';
import type { ScriptedCall, ScriptedExecution } from './scripted-sandbox.js';

const ANSWERS: Readonly<Record<string, ScriptedExecution>> = {
  [CONFORMANCE_PROGRAMS.prints]: {
    output: [
      { stream: 'stdout', text: 'hello\n' },
      { stream: 'stderr', text: 'é\n' },
    ],
  },
  [CONFORMANCE_PROGRAMS.value]: { result: { value: '42' } },
  [CONFORMANCE_PROGRAMS.raises]: { result: { outcome: 'failed', exception: 'ValueError: no such luck' } },
  [CONFORMANCE_PROGRAMS.writes]: { files: { 'made.txt': 'made' } },
  [CONFORMANCE_PROGRAMS.waits]: { output: [{ stream: 'stdout', text: 'begun\n' }], untilStopped: true },
  [CONFORMANCE_PROGRAMS.shellFails]: {
    output: [{ stream: 'stdout', text: 'shell\n' }],
    result: { outcome: 'failed', exitCode: 3 },
  },
};

function answer(call: ScriptedCall): ScriptedExecution {
  return ANSWERS[call.kind === 'exec' ? call.code : call.commands.join('\n')] ?? {};
}

describeSandboxConformance('the scripted provider', async () => new ScriptedSandboxProvider(answer));

test('enqueued steps come first, and calls are recorded', async () => {
  const provider = new ScriptedSandboxProvider();
  provider.enqueue({ result: { value: '1' } }, (call) => ({ result: { value: call.kind } }));
  const sandbox = await provider.acquire({ sessionId: 'sess_1', runId: 'run_1', generation: 1 });
  const signal = new AbortController().signal;
  const limits = { timeoutMs: 1000 };
  expect((await sandbox.exec('a', limits, () => undefined, signal)).value).toBe('1');
  expect((await sandbox.shell(['b'], limits, () => undefined, signal)).value).toBe('shell');
  expect(provider.calls).toEqual([
    { kind: 'exec', sessionId: 'sess_1', code: 'a', limits },
    { kind: 'shell', sessionId: 'sess_1', commands: ['b'], limits },
  ]);
});

test('an unavailable provider rejects with its reason', async () => {
  const provider = new ScriptedSandboxProvider(undefined, {
    provider: 'none',
    available: false,
    reason: 'no engine',
    network: 'not_applicable',
    notes: [],
  });
  await expect(
    provider.acquire({ sessionId: 'sess_1', runId: 'run_1', generation: 1 }),
  ).rejects.toMatchObject({
    code: 'unavailable',
    message: 'no engine',
  });
});
