import { expect, test } from 'vitest';
import { CONFORMANCE_PROGRAMS, describeSandboxConformance } from '../conformance.suite.js';
import { ScriptedSandboxProvider } from './scripted-sandbox-provider.js';
import type { ScriptedCall, ScriptedExecution } from './scripted-sandbox.js';

const WHOLE_OUTPUT = `${'x'.repeat(5000)}\n`;
const DROPPED_BYTES = 4001;

/** As a real one does with a cap of 1000 bytes. */
const PRINTED_MUCH: ScriptedExecution = {
  output: [{ stream: 'stdout', text: WHOLE_OUTPUT.slice(0, 1000) }],
  files: { 'output/call-1.stdout.txt': WHOLE_OUTPUT },
  result: {
    droppedBytes: DROPPED_BYTES,
    overflows: [
      {
        stream: 'stdout',
        droppedBytes: DROPPED_BYTES,
        file: { path: 'output/call-1.stdout.txt', bytes: WHOLE_OUTPUT.length, missingBytes: 0 },
      },
    ],
  },
};

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
  [CONFORMANCE_PROGRAMS.printsMuch]: PRINTED_MUCH,
  [CONFORMANCE_PROGRAMS.shellFails]: {
    output: [{ stream: 'stdout', text: 'shell\n' }],
    result: { outcome: 'failed', exitCode: 3 },
  },
};

function leavesBehind(call: ScriptedCall): ScriptedExecution {
  const background = call.limits.background === 'keep' ? [{ pid: 7, command: 'sleep 600' }] : [];
  return { output: [{ stream: 'stdout', text: 'started\n' }], result: { background } };
}

function answer(call: ScriptedCall): ScriptedExecution {
  if (call.kind === 'shell' && call.commands.includes(CONFORMANCE_PROGRAMS.staysBehind))
    return leavesBehind(call);
  if (call.kind === 'resume') return {};
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
