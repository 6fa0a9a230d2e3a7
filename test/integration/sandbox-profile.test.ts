import { afterAll, beforeAll, expect, test } from 'vitest';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import type { SandboxProfileState, SandboxProtections, SandboxSpec } from '../../src/sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import { createPythonTool } from '../../src/tools/python/python.tool.js';
import { createTerminalTool } from '../../src/tools/terminal/terminal.tool.js';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import { type FilesFixture, openFilesFixture } from './files-fixture.js';
import { newDatabase, OWNER, startWorker, workToEnd } from './run-harness.js';

let fixture: FilesFixture;

beforeAll(async () => {
  fixture = await openFilesFixture();
});
afterAll(() => fixture.close());

/** Remembers what was asked for, and how it was waited for. */
class RememberingProvider extends ScriptedSandboxProvider {
  readonly specs: SandboxSpec[] = [];
  readonly waits: (readonly [AbortSignal | undefined, unknown])[] = [];

  override acquire(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): ReturnType<ScriptedSandboxProvider['acquire']> {
    this.specs.push(spec);
    this.waits.push([signal, onQueued]);
    return super.acquire(spec, signal);
  }
}

test("a call's sandbox is of the kind that its session chose, and is waited for as the call waits", async () => {
  const { dataSource, files, config } = fixture;
  const provider = new RememberingProvider();
  const manifest = new ManifestRepository(dataSource);
  const mirror = new SandboxMirror(files, provider);
  const workspaces = new WorkspaceService(dataSource, files, manifest, mirror, provider, config);
  const { signal } = new AbortController();
  const onQueued = (): void => undefined;
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
      offTheClock: (work) => work(),
      waitForSandbox: (wait) => wait(signal, onQueued),
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
  expect(provider.waits.map(([theirs, told]) => theirs === signal && told === onQueued)).toEqual([
    true,
    true,
  ]);
  await provider.close();
});

function state(notes: readonly string[]): SandboxProfileState {
  return { available: true, memoryBytes: 1, workspaceBytes: 1, processes: 1, cpus: 1, notes };
}

test("the model is told of the session's own profile", async () => {
  const protections: SandboxProtections = {
    provider: 'scripted',
    available: true,
    network: 'none',
    notes: ['It is small.'],
    profiles: { python: state(['It is small.']), large: state(['It is large.']) },
  };
  const provider = new ScriptedSandboxProvider(undefined, protections);
  const database = await newDatabase();
  const worker = await startWorker(database, [createPythonTool(provider), createTerminalTool(provider)]);
  const toldTo = async (chosen: string | null): Promise<(string | undefined)[]> => {
    const { id } = await worker.sessions.create(OWNER, {});
    await worker.dataSource.query('UPDATE sessions SET sandbox_profile = $2 WHERE id = $1', [id, chosen]);
    worker.engine.enqueue(says('Done.'));
    await workToEnd(worker, { input: 'go', session_id: id });
    const tools = worker.engine.requests.at(-1)?.tools ?? [];
    return tools.map(({ description }) => /It is \w+\.$/.exec(description)?.[0]);
  };
  try {
    expect(await toldTo('large')).toEqual(['It is large.', 'It is large.']);
    expect(await toldTo(null)).toEqual(['It is small.', 'It is small.']);
  } finally {
    await worker.close();
    await database.drop();
  }
});
