import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import { openFilesFixture, type FilesFixture } from './files-fixture.js';
import { exec, WorkspaceScene } from './workspace-scene.js';

const MEBIBYTE = 1024 * 1024;

let fixture: FilesFixture;
let scene: WorkspaceScene;

beforeAll(async () => {
  fixture = await openFilesFixture({ GANTRY_SANDBOX_WORKSPACE_MB: '2' });
});
beforeEach(async () => {
  scene = await WorkspaceScene.open(fixture);
});
afterAll(() => fixture.close());

describe('a call with the sandbox', () => {
  it('takes over what it made, changed and deleted', async () => {
    await scene.runCall({ 'keep.txt': 'k', 'change.txt': 'old', 'gone.txt': 'g' });
    const old = (await scene.openCall().workspace.list()).find((entry) => entry.path === 'change.txt');
    const call = await scene.runCall(
      { 'out/plot.svg': '<svg/>', 'change.txt': 'new', 'gone.txt': null },
      'call_2',
    );
    expect(await scene.tree()).toEqual({ 'keep.txt': 'k', 'change.txt': 'new', 'out/plot.svg': '<svg/>' });
    expect(call.files.map((file) => file.name)).toEqual(['out/plot.svg', 'change.txt']);
    expect(call.workspace.producedFileIds()).toEqual(call.files.map((file) => file.id));
    expect(call.files[0]).toMatchObject({
      owner: 'ann',
      sessionId: scene.sessionId,
      runId: scene.runId,
      toolCallId: 'call_2',
      purpose: 'agent_output',
      source: { tool: 'python', round: 2, turn: 1 },
    });
    const byId = await call.workspace.readById(old?.fileId ?? '', 10);
    expect(Buffer.from(byId?.data ?? []).toString()).toBe('old');
  });

  it('tells of content that changed, not of files that were only touched', async () => {
    await scene.runCall({ 'a.txt': 'a' });
    const call = await scene.runCall({ 'a.txt': 'a' }, 'call_2');
    expect(call.files).toEqual([]);
    expect(await scene.fixture.count('files')).toBe(1);
  });

  it('tells again of what this very call made before a crash', async () => {
    const first = await scene.runCall({ 'a.txt': 'a' });
    const again = await scene.runCall({ 'a.txt': 'a' });
    expect(again.workspace.producedFileIds()).toEqual(first.workspace.producedFileIds());
    expect(await scene.fixture.count('files')).toBe(1);
  });

  it('leaves noise alone, but follows what was put there on purpose', async () => {
    await scene.openCall().workspace.write('.github/ci.yml', Buffer.from('1'));
    const call = await scene.runCall({
      '__pycache__/a.pyc': 'x',
      'node_modules/m/i.js': 'x',
      '.cache/f': 'x',
      '.github/ci.yml': '2',
      '.env': 'A=1',
    });
    expect(await scene.tree()).toEqual({ '.github/ci.yml': '2', '.env': 'A=1' });
    expect(call.missing).toEqual([]);
  });

  it('makes a placeholder of what cannot be kept, and keeps the rest', async () => {
    const call = await scene.runCall({ 'big.bin': 'b'.repeat(2 * MEBIBYTE + 1), 'a.txt': 'a' });
    expect(call.missing).toMatchObject([
      {
        name: 'big.bin',
        code: 'too_large',
        bytes: 2 * MEBIBYTE + 1,
        source: { tool: 'python', round: 2, turn: 1 },
      },
    ]);
    expect(await scene.tree()).toEqual({ 'a.txt': 'a' });
  });

  it('takes hostile names for data and goes nowhere with them', async () => {
    const call = scene.openCall();
    const result = {
      changes: ['../../etc/passwd', '/etc/passwd', 'a/../b', 'nul\0', '\uD800', 'vanished'].map((path) => ({
        change: 'created' as const,
        path,
        bytes: 1,
        modifiedAtMs: 0,
        executable: false,
      })),
    };
    await call.workspace.withSandbox(() => Promise.resolve(result));
    expect(await scene.tree()).toEqual({});
    expect(call.missing.map((file) => file.code)).toEqual(Array.from({ length: 6 }, () => 'unreadable'));
    for (const { name } of call.missing) expect(name.split('/')).not.toContain('..');
  });

  it('keeps 256 files of one call and says how many more there were', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `f${index}.txt`);
    const call = await scene.runCall(Object.fromEntries(names.map((name) => [name, name])));
    expect(call.files.length).toBe(256);
    expect(call.missing).toMatchObject([{ code: 'too_many_files', name: '44 more files' }]);
  });

  it('says storage_full for each file when there is no room, and does not fail', async () => {
    const { config, files } = scene.fixture.under({
      GANTRY_STORAGE_LIMIT_MB: '1',
      GANTRY_SANDBOX_WORKSPACE_MB: '2',
    });
    const { dataSource } = scene.fixture;
    const mirror = new SandboxMirror(files, scene.provider);
    const small = new WorkspaceService(
      dataSource,
      files,
      new ManifestRepository(dataSource),
      mirror,
      scene.provider,
      config,
    );
    scene.provider.enqueue({ files: { 'a.bin': 'a'.repeat(MEBIBYTE + 1), 'b.txt': 'b' } });
    const call = scene.openCall('call_1', { service: small });
    await call.workspace.withSandbox(exec);
    expect(call.missing).toMatchObject([{ name: 'a.bin', code: 'storage_full' }]);
    expect(call.files.map((file) => file.name)).toEqual(['b.txt']);
    await expect(call.workspace.write('c.bin', Buffer.alloc(MEBIBYTE))).rejects.toMatchObject({
      code: 'storage_full',
    });
  });

  it('that loses its sandbox leaves the tree as it was', async () => {
    await scene.runCall({ 'a.txt': 'before' });
    scene.provider.enqueue({ files: { 'a.txt': 'half', 'b.txt': 'b' }, result: { outcome: 'sandbox_lost' } });
    const call = scene.openCall('call_2');
    expect((await call.workspace.withSandbox(exec)).outcome).toBe('sandbox_lost');
    expect(await scene.tree()).toEqual({ 'a.txt': 'before' });
    await scene.runCall({}, 'call_3');
    expect(await scene.inSandbox()).toEqual({ 'a.txt': 'before' });
  });

  it('that loses its sandbox while its files are read leaves the tree as it was, and no files', async () => {
    await scene.runCall({ 'a.txt': 'before' });
    scene.provider.enqueue({ files: { 'a.txt': 'after', 'b.txt': 'b' } });
    const call = scene.openCall('call_2');
    await call.workspace.withSandbox(async (sandbox) => {
      const result = await exec(sandbox);
      const reads = sandbox.read.bind(sandbox);
      sandbox.read = async function* (path: string, maxBytes: number) {
        yield* reads(path, maxBytes);
        if (path === 'a.txt') await sandbox.close();
      };
      return result;
    });
    expect(await scene.tree()).toEqual({ 'a.txt': 'before' });
    expect(call.files).toEqual([]);
    expect(call.missing).toMatchObject([{ name: 'b.txt', code: 'unreadable' }]);
    expect([await scene.fixture.count('files'), await scene.fixture.count('blobs')]).toEqual([1, 1]);
  });

  it('of a worker that was fenced changes nothing', async () => {
    await scene.runCall({ 'a.txt': 'before' });
    await scene.fixture.dataSource.query('UPDATE runs SET generation = 2 WHERE id = $1', [scene.runId]);
    scene.provider.enqueue({ files: { 'a.txt': 'stale' } });
    const stale = scene.openCall('call_2', { generation: 1 });
    await expect(stale.workspace.withSandbox(exec)).rejects.toThrow(/no longer/);
    await expect(stale.workspace.write('b.txt', Buffer.from('b'))).rejects.toThrow(/no longer/);
    expect([stale.files, await scene.tree(), await scene.fixture.count('files')]).toEqual([
      [],
      { 'a.txt': 'before' },
      1,
    ]);
    await scene.openCall('call_3', { generation: 2 }).workspace.withSandbox(exec);
    expect(await scene.inSandbox()).toEqual({ 'a.txt': 'before' });
  });

  it('waits for the one before it in the same session, and not for other sessions', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const slow = scene.openCall('call_1').workspace.withSandbox(async () => {
      order.push('first in');
      await gate.promise;
      order.push('first out');
      return { changes: [] };
    });
    const next = scene.openCall('call_2').workspace.withSandbox(async () => {
      order.push('second');
      return { changes: [] };
    });
    const mine = scene.sessionId;
    scene.sessionId = await scene.fixture.insertSession('ann');
    await scene.openCall('call_3').workspace.withSandbox(async () => {
      order.push('elsewhere');
      return { changes: [] };
    });
    scene.sessionId = mine;
    gate.resolve();
    await Promise.all([slow, next]);
    expect(order.filter((item) => item !== 'elsewhere')).toEqual(['first in', 'first out', 'second']);
    expect(order.indexOf('elsewhere')).toBeLessThan(order.indexOf('first out'));
  });
});
