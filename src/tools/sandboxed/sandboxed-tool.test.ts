import { expect, test, vi } from 'vitest';
import { DomainError } from '../../errors.js';
import { codeExecutionDataSchema, shellDataSchema } from '../../events/tool-call-data.js';
import {
  NO_NETWORK_NOTE,
  type SandboxProfileState,
  type SandboxProtections,
  USUAL_PACKAGES,
} from '../../sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../sandbox/scripted/scripted-sandbox-provider.js';
import { createPythonTool } from '../python/python.tool.js';
import { scriptedContext } from '../scripted-context.js';
import { ScriptedWorkspace } from '../scripted-workspace.js';
import { createTerminalTool } from '../terminal/terminal.tool.js';
import type { ToolContext } from '../tool.js';

const UNKNOWN: SandboxProfileState = {
  available: true,
  memoryBytes: 1,
  workspaceBytes: 1,
  processes: 1,
  cpus: 1,
  notes: [NO_NETWORK_NOTE, 'Memory is limited to 512 MiB.'],
};
const STATE: SandboxProfileState = { ...UNKNOWN, packages: USUAL_PACKAGES };
const PROFILES: Readonly<Record<string, SandboxProfileState>> = {
  python: STATE,
  large: { ...STATE, notes: [NO_NETWORK_NOTE, 'Memory is limited to 4096 MiB.'] },
  slim: { ...STATE, packages: [] },
  own: UNKNOWN,
  gpu: { ...STATE, available: false, reason: 'There are no graphics processors.', notes: [] },
};
const PROTECTIONS: SandboxProtections = {
  provider: 'scripted',
  available: true,
  network: 'none',
  notes: STATE.notes,
  profiles: PROFILES,
};
const provider = new ScriptedSandboxProvider(undefined, PROTECTIONS);
const [python, terminal] = [createPythonTool(provider), createTerminalTool(provider)];

/** How both tools are described in a session that chose this profile. */
function described(profile?: string): { readonly python: string; readonly terminal: string } {
  const choice = profile === undefined ? {} : { profile };
  return {
    python: python.inSession?.(choice).description ?? '',
    terminal: terminal.inSession?.(choice).description ?? '',
  };
}

test('a session without a profile is told of the default one', () => {
  const told = described();
  expect([told.python, told.terminal]).toEqual([python.description, terminal.description]);
  expect(told.python).toContain(
    'numpy, pandas, matplotlib and pillow are installed. input() is not answered.',
  );
  expect(told.terminal).toContain('Memory is limited to 512 MiB.');
});

test('a session that chose a profile is told of its limits and packages, not of those of another', () => {
  for (const text of Object.values(described('large'))) {
    expect(text).toContain('Memory is limited to 4096 MiB.');
    expect(text).not.toContain('512 MiB');
  }
  expect(described('slim').python).toContain("Nothing is installed but Python's own library.");
  expect(described('own').python).toContain('What is installed depends on the image');
  for (const name of ['slim', 'own']) expect(described(name).python).not.toContain('numpy');
});

test('a profile that cannot be had, or is there no more, is told for what it is', () => {
  expect(described('gpu').terminal).toContain('Calls fail at present: There are no graphics processors.');
  for (const name of ['gone', 'constructor']) {
    expect(described(name).python).toContain(`this server has no sandbox profile ${name} any more`);
    expect(described(name).python).not.toContain('512 MiB');
  }
});

test("the hosts of a session stand beside its profile's limits", () => {
  const both = python.inSession?.({ profile: 'large', egress: ['pypi.org'] });
  expect(both?.description).toMatch(/only these hosts can be reached: pypi\.org\..*4096 MiB/);
  expect(both?.description).not.toContain(NO_NETWORK_NOTE);
  expect(both?.reach).toBe('network');
});

function refusing(error: DomainError): ToolContext {
  const workspace = new ScriptedWorkspace();
  vi.spyOn(workspace, 'withSandbox').mockRejectedValue(error);
  return scriptedContext({ workspace });
}

test('a full server is an error like that of an HTTP answer for clients, and a hint for the model', async () => {
  const full = refusing(
    new DomainError('rate_limited', 'All sandboxes are in use.', {
      reason: 'sandboxes_exhausted',
      details: { retryAfterMs: 59_500 },
    }),
  );
  const content = '[failed, rate_limited, retry after 60 s: All sandboxes are in use.]';
  const error = {
    type: 'rate_limit_error',
    code: 'sandboxes_exhausted',
    message: 'All sandboxes are in use.',
    retry_after_sec: 60,
  };
  const ran = await python.execute({ code: '1' }, full);
  expect(ran).toMatchObject({ status: 'failed', content, data: { code: '1', exception: content, error } });
  expect(codeExecutionDataSchema.parse(ran.data)).toEqual(ran.data);
  const shelled = await terminal.execute({ commands: ['ls'] }, full);
  expect(shelled).toMatchObject({ status: 'failed', content, data: { stderr: content, error } });
  expect(shellDataSchema.parse(shelled.data)).toEqual(shelled.data);
});

test('no sandbox for another reason has no such hint', async () => {
  const off = refusing(new DomainError('unavailable', 'No engine.', { reason: 'sandbox_unavailable' }));
  expect(await python.execute({ code: '1' }, off)).toMatchObject({
    status: 'failed',
    content: '[failed: No engine.]',
    data: { error: { type: 'api_error', code: 'sandbox_unavailable', message: 'No engine.' } },
  });
});

test('a call that an earlier process began is taken from the sandbox that it left, by its id, and nothing is run', async () => {
  const left = new ScriptedSandboxProvider();
  const sandbox = await left.acquire({ sessionId: 'sess_1', runId: 'run_1', generation: 1 });
  left.enqueue({ output: [{ stream: 'stdout', text: 'once\n' }], result: { imagesNotKept: 2 } });
  const context = scriptedContext({ workspace: new ScriptedWorkspace({ sandbox }) });
  const outcome = await createPythonTool(left).resume?.({ code: 'print("once")' }, context);
  expect(outcome?.content).toBe('once\n[2 images could not be kept while the server restarted]');
  expect(left.calls).toMatchObject([{ kind: 'resume', key: context.toolCallId }]);
});

test.each([
  ['the sandbox is gone', []],
  ['the sandbox does not know it', [{ result: { outcome: 'sandbox_lost' } }]],
] as const)('nobody knows what became of such a call when %s', async (_why, steps) => {
  const left = new ScriptedSandboxProvider();
  left.enqueue(...steps);
  const sandbox = await left.acquire({ sessionId: 'sess_1', runId: 'run_1', generation: 1 });
  const context = scriptedContext({ workspace: new ScriptedWorkspace(steps.length > 0 ? { sandbox } : {}) });
  expect(await createPythonTool(left).resume?.({ code: '1' }, context)).toBeUndefined();
});
