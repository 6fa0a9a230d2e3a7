import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExecutionResult, Sandbox } from '../../src/sandbox/sandbox.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import { describeWithDocker } from '../support/docker.js';
import { openFilesFixture, pseudoRandom, type FilesFixture } from './files-fixture.js';

const MEBIBYTE = 1024 * 1024;

let fixture: FilesFixture;
let provider: DockerSandboxProvider;
let workspaces: WorkspaceService;
let sessionId: string;
let runId: string;

async function python(
  code: string,
): Promise<{ result: ExecutionResult; names: string[]; missing: string[]; lost: string[] }> {
  const [names, missing, lost] = [[] as string[], [] as string[], [] as string[]];
  const workspace = workspaces.open({
    sessionId,
    owner: 'ann',
    runId,
    generation: 1,
    tool: 'python',
    round: 0,
    turn: 1,
    offTheClock: (work) => work(),
    waitForSandbox: (wait) => wait(new AbortController().signal, () => undefined),
    toolCallId: await fixture.insertToolCall(runId, sessionId, 'python'),
    onFile: async (file) => void names.push(file.name),
    onMissingFile: async (file) => void missing.push(`${file.name}: ${file.code}`),
    onStateLost: async (reason) => void lost.push(reason),
  });
  const result = await workspace.withSandbox((sandbox: Sandbox) =>
    sandbox.exec(code, { timeoutMs: 30_000 }, () => {}, new AbortController().signal),
  );
  return { result, names: names.toSorted(), missing, lost };
}

describeWithDocker('a working directory in a container', () => {
  beforeAll(async () => {
    fixture = await openFilesFixture({ GANTRY_SANDBOX_WORKSPACE_MB: '8' });
    const { dataSource, files, config } = fixture;
    const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
    const instanceId = `test-workspaces-${process.pid}`;
    provider = new DockerSandboxProvider(
      { ...SANDBOX_DEFAULTS, instanceId, image, workspaceBytes: 8 * MEBIBYTE },
      () => undefined,
    );
    await provider.ready();
    const manifest = new ManifestRepository(dataSource);
    workspaces = new WorkspaceService(
      dataSource,
      files,
      manifest,
      new SandboxMirror(files, provider),
      provider,
      config,
    );
    sessionId = await fixture.insertSession('ann');
    runId = await fixture.insertRun(sessionId, 'ann');
  });
  afterAll(async () => {
    await provider.close();
    await fixture.close();
  });

  it('is kept, taken over without links, and restored into the next container', async () => {
    const made = await python(`
import os
os.makedirs('out/.cache'); os.symlink('/etc/passwd', 'link'); os.mkfifo('pipe')
open('out/é ü.txt', 'w').write('héllo'); open('out/.cache/noise', 'w').write('x')
open('big.bin', 'wb').write(os.urandom(3 * 1024 * 1024))
x = 41
print(x)`);
    expect(made.result).toMatchObject({ outcome: 'completed', stdout: '41\n' });
    expect(made.names).toEqual(['big.bin', 'out/é ü.txt']);
    await provider.release(sessionId);
    const back = await python(`
import os
print(open('out/é ü.txt').read(), os.path.getsize('big.bin'), os.path.lexists('link'), 'x' in globals())`);
    expect(back.result.stdout).toBe(`héllo ${3 * MEBIBYTE} False False\n`);
    expect(back.lost).toEqual([expect.stringContaining('variables')]);
    expect(back.names).toEqual([]);
  });

  it('has programs still after chmod +x, in the next container', async () => {
    const made = await python(`
import os, subprocess
open('tool.sh', 'w').write('#!/bin/sh\\necho it ran\\n'); open('data.txt', 'w').write('x')`);
    expect(made.names).toEqual(['data.txt', 'tool.sh']);
    const marked = await python(`os.chmod('tool.sh', 0o755)`);
    expect(marked.names, 'the same content makes no new file').toEqual([]);
    await provider.release(sessionId);
    const back = await python(`
import os, subprocess
print(subprocess.run(['./tool.sh'], capture_output=True, text=True).stdout, os.access('data.txt', os.X_OK))`);
    expect(back.result.stdout).toBe('it ran\n False\n');
    await python(`os.chmod('tool.sh', 0o644)`);
    await provider.release(sessionId);
    expect((await python(`import os; print(os.access('tool.sh', os.X_OK))`)).result.stdout).toBe('False\n');
  });

  it('that does not fit into its container any more still works, and the model is told', async () => {
    const content = () => pseudoRandom(6 * MEBIBYTE, 5);
    const upload = await fixture.files.store({
      owner: 'ann',
      name: 'huge.bin',
      purpose: 'user_data',
      content: content(),
    });
    await workspaces.mount(sessionId, 'ann', [upload.id]);
    const call = await python(`import os; print(sorted(os.listdir('.')))`);
    expect(call.lost).toEqual([expect.stringContaining('huge.bin')]);
    expect(call.result.stdout).not.toContain('huge.bin');
    expect(call.result.stdout).toContain('big.bin');
    expect((await python(`print(1)`)).lost).toEqual([]);
  });
});
