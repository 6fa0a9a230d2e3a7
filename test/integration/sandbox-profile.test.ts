import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SandboxSpec } from '../../src/sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import { type FilesFixture, openFilesFixture } from './files-fixture.js';

let fixture: FilesFixture;

beforeAll(async () => {
  fixture = await openFilesFixture();
});
afterAll(() => fixture.close());

/** Remembers what was asked for, and with which signal. */
class RememberingProvider extends ScriptedSandboxProvider {
  readonly specs: SandboxSpec[] = [];
  readonly signals: (AbortSignal | undefined)[] = [];

  override acquire(spec: SandboxSpec, signal?: AbortSignal): ReturnType<ScriptedSandboxProvider['acquire']> {
    this.specs.push(spec);
    this.signals.push(signal);
    return super.acquire(spec, signal);
  }
}

test("a call's sandbox is of the kind that its session chose, and is waited for no longer than the call lives", async () => {
  const { dataSource, files, config } = fixture;
  const provider = new RememberingProvider();
  const manifest = new ManifestRepository(dataSource);
  const mirror = new SandboxMirror(files, provider);
  const workspaces = new WorkspaceService(dataSource, files, manifest, mirror, provider, config);
  const { signal } = new AbortController();
  const profileFor = async (chosen: string | null): Promise<string | undefined> => {
    const sessionId = await fixture.insertSession('ann');
    await dataSource.query('UPDATE sessions SET sandbox_profile = $2 WHERE id = $1', [sessionId, chosen]);
    const runId = await fixture.insertRun(sessionId, 'ann');
    const workspace = workspaces.open({
      sessionId,
      owner: 'ann',
      runId,
      generation: 1,
      tool: 'python',
      round: 0,
      turn: 1,
      signal,
      toolCallId: await fixture.insertToolCall(runId, sessionId, 'python'),
      onFile: () => Promise.resolve(),
      onMissingFile: () => Promise.resolve(),
      onStateLost: () => Promise.resolve(),
    });
    await workspace.withSandbox(() => Promise.resolve({ changes: [] }));
    return provider.specs.at(-1)?.profile;
  };
  expect(await profileFor('large')).toBe('large');
  expect(await profileFor(null)).toBeUndefined();
  expect(provider.signals).toEqual([signal, signal]);
  await provider.close();
});
