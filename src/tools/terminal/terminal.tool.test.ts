import { expect, test } from 'vitest';
import { shellDataSchema } from '../../events/tool-call-data.js';
import type { ExecutionResult } from '../../sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../sandbox/scripted/scripted-sandbox-provider.js';
import { scriptedContext } from '../scripted-context.js';
import type { ToolContext } from '../tool.js';
import { createTerminalTool } from './terminal.tool.js';

const spec = { sessionId: 'sess_1', runId: 'run_1', generation: 1 };

function contextOn(provider: ScriptedSandboxProvider): ToolContext {
  const unused = (): never => {
    throw new Error('the tool has no business here');
  };
  return scriptedContext({
    ...spec,
    toolCallId: 'call_1',
    round: 1,
    timeoutMs: 1000,
    signal: new AbortController().signal,
    workspace: {
      list: unused,
      read: unused,
      write: unused,
      readById: unused,
      withLeftSandbox: unused,
      withSandbox: async (use) => use(await provider.acquire(spec), []),
    },
    emitOutput: async () => undefined,
  });
}

test.each<[Partial<ExecutionResult>, string, string, number | null]>([
  [{ stdout: 'a\n', exitCode: 0 }, 'succeeded', 'a', 0],
  [{ outcome: 'failed', stderr: 'no\n', exitCode: 3 }, 'failed', 'no\n[exit status 3]', 3],
  [
    { outcome: 'sandbox_lost', stateKept: false },
    'failed',
    '[the sandbox was lost; variables are gone, files',
    null,
  ],
  [
    { outcome: 'timed_out', exitCode: 130 },
    'timed_out',
    '[exit status 130]\n[timed out after 1 s; variables kept]',
    130,
  ],
])('%j is %s for the model', async (result, status, content, exitCode) => {
  const provider = new ScriptedSandboxProvider();
  provider.enqueue({ result });
  const outcome = await createTerminalTool(provider).execute(
    { commands: ['ls', 'pwd'] },
    contextOn(provider),
  );
  expect(provider.calls).toMatchObject([{ kind: 'shell', commands: ['ls', 'pwd'] }]);
  expect(outcome.status).toBe(status);
  expect(outcome.content).toContain(content);
  expect(shellDataSchema.parse(outcome.data)).toMatchObject({ commands: ['ls', 'pwd'], exit_code: exitCode });
});

test.each([
  [undefined, 'end'],
  ['end', 'end'],
  ['keep', 'keep'],
] as const)('background %j is %s for the sandbox', async (background, asked) => {
  const provider = new ScriptedSandboxProvider();
  const tool = createTerminalTool(provider);
  await tool.execute({ commands: ['ls'], ...(background && { background }) }, contextOn(provider));
  expect(provider.calls).toMatchObject([{ limits: { timeoutMs: 1000, background: asked } }]);
});

test('the model and the client learn which processes were kept', async () => {
  const provider = new ScriptedSandboxProvider();
  const background = Array.from({ length: 7 }, (_, at) => ({ pid: at + 10, command: `sleep ${at}` }));
  provider.enqueue({ result: { background } });
  const outcome = await createTerminalTool(provider).execute({ commands: ['x'] }, contextOn(provider));
  expect(outcome.content).toBe(
    '[still running in the background: 10 sleep 0; 11 sleep 1; 12 sleep 2; 13 sleep 3; 14 sleep 4 and 2 more]',
  );
  expect(shellDataSchema.parse(outcome.data).background_processes).toEqual(background);
});

test.each([
  {},
  { commands: [] },
  { commands: [''] },
  { commands: 'ls' },
  { commands: ['ls'], background: true },
])('%j are no arguments', (args) => {
  const tool = createTerminalTool(new ScriptedSandboxProvider());
  expect(tool.parameters.safeParse(args).success).toBe(false);
});
