import { expect, test } from 'vitest';
import { DomainError } from '../../errors.js';
import { NO_NETWORK_NOTE, type ExecutionResult, type OutputOverflow } from '../../sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../sandbox/scripted/scripted-sandbox-provider.js';
import { scriptedContext } from '../scripted-context.js';
import type { ToolContext, ToolOutcome } from '../tool.js';
import { codeExecutionDataSchema } from '../../events/tool-call-data.js';
import { createPythonTool } from './python.tool.js';

const spec = { sessionId: 'sess_1', runId: 'run_1', generation: 1 };

function contextOn(provider: ScriptedSandboxProvider, emitted: string[] = []): ToolContext {
  const unused = (): never => {
    throw new Error('the tool has no business here');
  };
  return scriptedContext({
    ...spec,
    toolCallId: 'call_1',
    round: 1,
    timeoutMs: 30_000,
    signal: new AbortController().signal,
    workspace: {
      list: unused,
      read: unused,
      write: unused,
      readById: unused,
      withLeftSandbox: unused,
      withSandbox: async (use) => use(await provider.acquire(spec), []),
    },
    emitOutput: async (stream, text) => void emitted.push(`${stream}:${text}`),
  });
}

async function run(result: Partial<ExecutionResult>): Promise<ToolOutcome> {
  const provider = new ScriptedSandboxProvider();
  provider.enqueue({ result });
  return createPythonTool(provider).execute({ code: 'code' }, contextOn(provider));
}

function overflow(file: NonNullable<OutputOverflow['file']>): OutputOverflow {
  return { stream: 'stdout', droppedBytes: 7, file };
}

test('output streams, and the model reads output, value, errors, notes', async () => {
  const provider = new ScriptedSandboxProvider();
  provider.enqueue({
    output: [
      { stream: 'stdout', text: 'one\n' },
      { stream: 'stderr', text: 'careful\n' },
    ],
    result: {
      value: '42',
      images: [{ mimeType: 'image/png', data: Buffer.from('PNG') }],
      durationMs: 1.5,
      cpuMs: 0.12345,
      peakMemoryBytes: 4096,
    },
  });
  const emitted: string[] = [];
  const outcome = await createPythonTool(provider).execute({ code: '42' }, contextOn(provider, emitted));
  expect(emitted).toEqual(['stdout:one\n', 'stderr:careful\n']);
  expect(outcome).toEqual({
    status: 'succeeded',
    content: 'one\n42\ncareful\n[1 image shown to the user]',
    imagesBase64: ['UE5H'],
    data: {
      tool_type: 'code_execution',
      code: '42',
      stdout: 'one\n',
      stderr: 'careful\n',
      value: '42',
      images_base64: ['UE5H'],
      working_directory: '/workspace',
      execution_time_ms: 1.5,
      cpu_time_ms: 0.123,
      peak_memory_bytes: 4096,
      outcome: 'completed',
      state_kept: true,
    },
  });
  expect(codeExecutionDataSchema.parse(outcome.data)).toEqual(outcome.data);
});

test('the model reads first what it has to know of a new sandbox', async () => {
  const provider = new ScriptedSandboxProvider();
  provider.enqueue({ result: { stdout: 'out\n', value: '1' } });
  const context = contextOn(provider);
  const outcome = await createPythonTool(provider).execute(
    { code: 'code' },
    {
      ...context,
      workspace: {
        ...context.workspace,
        withSandbox: async (use) => use(await provider.acquire(spec), ['Variables are lost.']),
      },
    },
  );
  expect(outcome.content).toBe('[Variables are lost.]\nout\n1');
});

test.each<[Partial<ExecutionResult>, string, string]>([
  [{}, 'succeeded', '[no output]'],
  [{ outcome: 'failed', exception: 'ValueError: no' }, 'failed', 'ValueError: no'],
  [
    { outcome: 'timed_out', exception: 'KeyboardInterrupt' },
    'timed_out',
    '[timed out after 30 s; variables kept]',
  ],
  [
    { outcome: 'timed_out', stateKept: false },
    'timed_out',
    '[timed out after 30 s; the interpreter was restarted; variables are gone]',
  ],
  [
    { outcome: 'out_of_memory', stateKept: false },
    'failed',
    '[stopped: it ran out of memory; the interpreter was restarted; variables are gone]',
  ],
  [{ outcome: 'interrupted' }, 'cancelled', '[interrupted; variables kept]'],
  [
    { outcome: 'completed', stateKept: false },
    'succeeded',
    '[the interpreter was restarted; variables are gone]',
  ],
  [
    { stdout: 'y', overflows: [overflow({ path: 'output/call-3.stdout.txt', bytes: 8, missingBytes: 0 })] },
    'succeeded',
    'y\n[7 more bytes of stdout; the whole output is in output/call-3.stdout.txt]',
  ],
  [
    { overflows: [overflow({ path: 'output/call-3.stdout.txt', bytes: 3, missingBytes: 5 })] },
    'succeeded',
    '[7 more bytes of stdout; the first 3 bytes of it all are in output/call-3.stdout.txt]',
  ],
  [
    { overflows: [{ stream: 'stderr', droppedBytes: 7, problem: 'the working directory is full' }] },
    'succeeded',
    '[7 more bytes of stderr were left out and could not be kept: the working directory is full]',
  ],
  [
    { closedStreams: ['stdout'] },
    'succeeded',
    '[the code closed stdout: what it printed there afterwards is lost]',
  ],
  [{ oomKills: 1 }, 'succeeded', '[memory ran out: 1 process was killed for it]'],
  [
    { refusedHosts: ['evil.example:443', '10.0.0.1:80'] },
    'succeeded',
    '[the network refused evil.example:443, 10.0.0.1:80: not among the hosts of this session]',
  ],
  [
    { refusedHosts: Array.from({ length: 10 }, (_, index) => `h${index}:80`) },
    'succeeded',
    '[the network refused h0:80, h1:80, h2:80, h3:80, h4:80, h5:80, h6:80, h7:80 and 2 more: not among the hosts of this session]',
  ],
  [{ videoFrameCount: 5 }, 'succeeded', '[an animation of 5 frames shown to the user]'],
])('%j is %s for the model', async (result, status, content) => {
  expect(await run(result)).toMatchObject({ status, content });
});

test('no sandbox is an answer for the model, not an exception', async () => {
  const provider = new ScriptedSandboxProvider(undefined, {
    provider: 'none',
    available: false,
    reason: 'no engine',
    network: 'not_applicable',
    notes: [],
  });
  const tool = createPythonTool(provider);
  expect(tool.available()).toBe(false);
  expect(await tool.execute({ code: '1' }, contextOn(provider))).toMatchObject({
    status: 'failed',
    content: '[failed: no engine]',
  });
});

test('what is not about the sandbox is thrown on', async () => {
  const provider = new ScriptedSandboxProvider();
  provider.enqueue({ output: [{ stream: 'stdout', text: 'x' }] });
  const fenced = {
    ...contextOn(provider),
    emitOutput: () => Promise.reject(new DomainError('conflict', 'fenced')),
  };
  await expect(createPythonTool(provider).execute({ code: '1' }, fenced)).rejects.toThrow('fenced');
});

test('the description tells what is enforced', () => {
  const provider = new ScriptedSandboxProvider(undefined, {
    provider: 'scripted',
    available: true,
    network: 'none',
    notes: ['There is no network.'],
  });
  expect(createPythonTool(provider).description).toContain('There is no network.');
});

test('in a session that may reach hosts it reaches the network, and says which hosts', () => {
  const provider = new ScriptedSandboxProvider(undefined, {
    provider: 'scripted',
    available: true,
    network: 'none',
    notes: [NO_NETWORK_NOTE, 'Memory is limited.'],
  });
  const tool = createPythonTool(provider);
  expect([tool.reach, tool.description.includes(NO_NETWORK_NOTE)]).toEqual(['sandbox', true]);
  const open = tool.inSession?.({ egress: ['pypi.org', '*.example.org:8443'] });
  expect(open?.reach).toBe('network');
  expect(open?.description).toContain('only these hosts can be reached: pypi.org, *.example.org:8443.');
  expect(open?.description).toContain('Memory is limited.');
  expect(open?.description).not.toContain(NO_NETWORK_NOTE);
});
