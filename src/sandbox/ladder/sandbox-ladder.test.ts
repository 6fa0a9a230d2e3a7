import { expect, test, vi } from 'vitest';
import { NoSandboxProvider } from '../none/no-sandbox-provider.js';
import type { SandboxProtections, SandboxProvider } from '../sandbox.js';
import { ScriptedSandboxProvider } from '../scripted/scripted-sandbox-provider.js';
import { SandboxLadder } from './sandbox-ladder.js';

const spec = { sessionId: 'sess_1', runId: 'run_1', generation: 1 };

/** One that says it does not work until it is told to. */
function reluctant(): { readonly provider: SandboxProvider; comeUp(): void } {
  const provider = new ScriptedSandboxProvider();
  const working = provider.protections();
  const off: SandboxProtections = { ...working, available: false, reason: 'Not yet.' };
  const protections = vi.spyOn(provider, 'protections').mockReturnValue(off);
  return { provider, comeUp: () => void protections.mockReturnValue(working) };
}

function ladder(...rungs: SandboxProvider[]): SandboxLadder {
  return new SandboxLadder(rungs.map((rung) => async () => rung));
}

test('the first that works is taken, and those after it are not even made', async () => {
  const made: string[] = [];
  const rung = (name: string, provider: SandboxProvider) => async () => {
    made.push(name);
    return provider;
  };
  const works = new ScriptedSandboxProvider();
  const sandboxes = new SandboxLadder([
    rung('first', new NoSandboxProvider('No engine.')),
    rung('second', works),
    rung('third', new ScriptedSandboxProvider()),
  ]);
  const sandbox = await sandboxes.acquire(spec);
  expect(made).toEqual(['first', 'second']);
  expect(works.current(spec.sessionId)?.id).toBe(sandbox.id);
  expect(sandboxes.protections()).toEqual(works.protections());
  await sandboxes.close();
  expect(works.current(spec.sessionId)).toBeUndefined();
});

test('where none works, all reasons are told and nothing runs', async () => {
  const sandboxes = ladder(new NoSandboxProvider('No engine.'), new NoSandboxProvider('No bubblewrap.'));
  await sandboxes.ready();
  expect(sandboxes.protections()).toMatchObject({ provider: 'none', available: false });
  expect(sandboxes.protections().reason).toMatch(/off\. No engine\. No bubblewrap\. As root, npm start/);
  await expect(sandboxes.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
  await sandboxes.close();
});

test('one that cannot even be made is a reason like others, and the next is tried', async () => {
  const unreadable = async (): Promise<SandboxProvider> => {
    throw new Error('EACCES: the data directory');
  };
  const works = new ScriptedSandboxProvider();
  const sandboxes = new SandboxLadder([unreadable, async () => works]);
  await sandboxes.ready();
  expect(sandboxes.protections()).toEqual(works.protections());
  const none = new SandboxLadder([unreadable]);
  await none.ready();
  expect(none.protections().reason).toContain('EACCES: the data directory');
  await Promise.all([sandboxes.close(), none.close()]);
});

test('one that comes up later is taken while there is no other, and never after', async () => {
  const better = reluctant();
  const worse = reluctant();
  const sandboxes = ladder(better.provider, worse.provider);
  await sandboxes.ready();
  worse.comeUp();
  await sandboxes.acquire(spec);
  better.comeUp();
  await sandboxes.acquire({ ...spec, sessionId: 'sess_2' });
  expect(worse.provider.current('sess_2')).toBeDefined();
  expect(better.provider.current('sess_2')).toBeUndefined();
  await sandboxes.close();
});

test('nothing can be acquired after the end', async () => {
  const sandboxes = ladder(new ScriptedSandboxProvider());
  await sandboxes.close();
  await expect(sandboxes.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
});
