import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import { openFilesFixture, type FilesFixture } from './files-fixture.js';
import { exec, WorkspaceScene } from './workspace-scene.js';

let fixture: FilesFixture;
let scene: WorkspaceScene;

beforeAll(async () => {
  fixture = await openFilesFixture({ GANTRY_SANDBOX_WORKSPACE_MB: '2' });
});
beforeEach(async () => {
  scene = await WorkspaceScene.open(fixture);
});
afterAll(() => fixture.close());

/** Grows with each file that a sandbox of it is given from now on. */
function pathsWrittenInto(provider: ScriptedSandboxProvider): readonly string[] {
  const written: string[] = [];
  const acquire = provider.acquire.bind(provider);
  provider.acquire = async (spec) => {
    const sandbox = await acquire(spec);
    const write = sandbox.write.bind(sandbox);
    sandbox.write = (path, data) => {
      written.push(path);
      return write(path, data);
    };
    return sandbox;
  };
  return written;
}

describe('a sandbox', () => {
  it('gets the whole tree when it is new, and the model is told what it lost', async () => {
    const callId = await scene.fixture.insertToolCall(scene.runId, scene.sessionId, 'python');
    expect((await scene.runCall({ 'a/b.txt': 'b', 'c.txt': 'c' }, callId)).lost).toEqual([]);
    await scene.provider.release(scene.sessionId);
    const second = await scene.runCall(
      {},
      await scene.fixture.insertToolCall(scene.runId, scene.sessionId, 'terminal'),
    );
    expect(second.lost).toEqual([expect.stringContaining('variables')]);
    expect(await scene.inSandbox()).toEqual({ 'a/b.txt': 'b', 'c.txt': 'c' });
    expect((await scene.runCall({}, 'call_3')).lost).toEqual([]);
  });

  it('gets it after a restart of the server too', async () => {
    const callId = await scene.fixture.insertToolCall(scene.runId, scene.sessionId, 'python');
    await scene.runCall({ 'a.txt': 'a' }, callId);
    const other = new ScriptedSandboxProvider();
    const call = scene.openCall('call_2', { service: scene.serviceOn(other) });
    await call.workspace.withSandbox(exec);
    expect(call.lost.length).toBe(1);
    scene.provider = other;
    expect(await scene.inSandbox()).toEqual({ 'a.txt': 'a' });
  });

  it('in use gets what came since, and only that', async () => {
    await scene.runCall({ 'a.txt': 'a', 'b.txt': 'b' });
    const upload = await scene.fixture.files.store({
      owner: 'ann',
      name: 'up.csv',
      purpose: 'user_data',
      content: Buffer.from('1'),
    });
    await scene.workspaces.mount(scene.sessionId, 'ann', [upload.id]);
    const { workspace } = scene.openCall('call_2');
    await workspace.write('b.txt', Buffer.from('B'));
    await workspace.write('d/e.txt', Buffer.from('e'));
    const [a] = await workspace.list();
    await scene.fixture.files.remove('ann', a?.fileId ?? '');
    const written = pathsWrittenInto(scene.provider);
    const third = scene.openCall('call_3');
    await third.workspace.withSandbox(exec);
    expect(written).toEqual(['b.txt', 'd/e.txt', 'up.csv']);
    expect(await scene.inSandbox()).toEqual({ 'b.txt': 'B', 'd/e.txt': 'e', 'up.csv': '1' });
    await scene.openCall('call_4').workspace.withSandbox(exec);
    expect(written.length).toBe(3);
  });

  it('left by an earlier process keeps what a program in it wrote since, and the next call takes that over', async () => {
    await scene.runCall({ 'log.txt': 'one', 'gone.txt': 'g', 'quiet.txt': 'q', 'b.txt': 'b' });
    await scene.openCall('call_2').workspace.write('b.txt', Buffer.from('B'));
    scene.provider.changeBehind(scene.sessionId, { 'log.txt': 'one two', 'gone.txt': null });
    const written = pathsWrittenInto(scene.provider);
    const call = scene.openCall('call_3', { service: scene.serviceOn(scene.provider) });
    await call.workspace.withSandbox(exec);
    expect(written).toEqual(['b.txt']);
    expect(await scene.tree()).toEqual({ 'log.txt': 'one two', 'quiet.txt': 'q', 'b.txt': 'B' });
    expect(await scene.inSandbox()).toEqual(await scene.tree());
  });

  it('of a call that failed keeps what a program in it wrote since', async () => {
    await scene.runCall({ 'log.txt': 'one', 'quiet.txt': 'q' });
    const broken = scene.openCall('call_2').workspace.withSandbox(() => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    scene.provider.changeBehind(scene.sessionId, { 'log.txt': 'one two' });
    const written = pathsWrittenInto(scene.provider);
    await scene.runCall({}, 'call_3');
    expect(written).toEqual([]);
    expect(await scene.tree()).toEqual({ 'log.txt': 'one two', 'quiet.txt': 'q' });
  });

  it('that will not take a file works without it, and the model is told', async () => {
    await scene.openCall().workspace.write('big.bin', Buffer.alloc(1000));
    await scene.openCall().workspace.write('ok.txt', Buffer.from('ok'));
    const acquire = scene.provider.acquire.bind(scene.provider);
    scene.provider.acquire = async (spec) => {
      const sandbox = await acquire(spec);
      const write = sandbox.write.bind(sandbox);
      sandbox.write = (path, data) =>
        path === 'big.bin' ? Promise.reject(new Error('no space')) : write(path, data);
      return sandbox;
    };
    const call = scene.openCall();
    await call.workspace.withSandbox(exec);
    expect(call.lost).toEqual([expect.stringContaining('big.bin')]);
    expect(await scene.inSandbox()).toEqual({ 'ok.txt': 'ok' });
    expect(Object.keys(await scene.tree())).toEqual(['big.bin', 'ok.txt']);
  });

  it('is written anew after a call that failed in an unknown state', async () => {
    await scene.runCall({ 'a.txt': 'a' });
    const broken = scene.openCall('call_2').workspace.withSandbox(async (sandbox) => {
      await sandbox.write('a.txt', Buffer.from('overwritten'));
      throw new Error('broken');
    });
    await expect(broken).rejects.toThrow('broken');
    await scene.runCall({}, 'call_3');
    expect(await scene.inSandbox()).toEqual({ 'a.txt': 'a' });
  });
});

describe('reading and writing without a sandbox', () => {
  it('work on the tree', async () => {
    const { workspace, files } = scene.openCall();
    await workspace.write('./dir//a.txt', Buffer.from('hello'));
    expect(Buffer.from((await workspace.read('dir/a.txt', 5)) ?? []).toString()).toBe('hello');
    expect(await workspace.read('dir/none', 5)).toBeUndefined();
    await expect(workspace.read('dir/a.txt', 4)).rejects.toMatchObject({ code: 'too_large' });
    expect(await workspace.list()).toMatchObject([{ path: 'dir/a.txt', bytes: 5, fileId: files[0]?.id }]);
    expect(files).toMatchObject([{ name: 'dir/a.txt', isText: true }]);
  });

  it.each(['../x', '/x', '', 'a\0', 'dir/a.txt/b', 'dir'])('refuse %j', async (path) => {
    const { workspace } = scene.openCall();
    await workspace.write('dir/a.txt', Buffer.from('x'));
    await expect(workspace.write(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await scene.tree()).toEqual({ 'dir/a.txt': 'x' });
  });

  it('give nobody else’s files', async () => {
    const theirs = await scene.fixture.files.store({
      owner: 'bob',
      name: 'b',
      purpose: 'user_data',
      content: Buffer.from('b'),
    });
    expect(await scene.openCall().workspace.readById(theirs.id, 10)).toBeUndefined();
    await expect(scene.workspaces.mount(scene.sessionId, 'ann', [theirs.id])).rejects.toMatchObject({
      reason: 'file_not_found',
    });
    const foreign = await scene.fixture.insertSession('bob');
    const own = await scene.fixture.files.store({
      owner: 'ann',
      name: 'a',
      purpose: 'user_data',
      content: Buffer.from('a'),
    });
    await expect(scene.workspaces.mount(foreign, 'ann', [own.id])).rejects.toMatchObject({
      reason: 'session_not_found',
    });
  });
});

describe('mounting', () => {
  const store = (name: string, content: string) =>
    scene.fixture.files.store({ owner: 'ann', name, purpose: 'user_data', content: Buffer.from(content) });

  it('gives each content a name of its own, once', async () => {
    const ids = [];
    for (const [name, content] of [
      ['a.csv', '1'],
      ['a.csv', '2'],
      ['a.csv', '1'],
      ['x/../a.csv', '3'],
    ] as const) {
      ids.push((await store(name, content)).id);
    }
    await scene.workspaces.mount(scene.sessionId, 'ann', ids);
    await scene.workspaces.mount(scene.sessionId, 'ann', ids);
    expect(await scene.tree()).toEqual({ 'a.csv': '1', 'a-2.csv': '2', 'a-3.csv': '3' });
  });

  it('keeps the working directory when the upload is deleted, and the other way round', async () => {
    const upload = await store('a.csv', '1');
    await scene.workspaces.mount(scene.sessionId, 'ann', [upload.id]);
    await scene.fixture.files.remove('ann', upload.id);
    expect(await scene.tree()).toEqual({ 'a.csv': '1' });
  });
});

describe('a fork', () => {
  it('has the same tree on its own, without new content', async () => {
    await scene.runCall({ 'a.txt': 'a', 'b/c.txt': 'c' });
    const fork = await scene.fixture.insertSession('ann');
    await scene.fixture.dataSource.transaction((manager) =>
      scene.workspaces.copyWorkspace(scene.sessionId, fork, manager),
    );
    expect(await scene.fixture.count('blobs')).toBe(2);
    await scene.runCall({ 'a.txt': 'changed', 'b/c.txt': null }, 'call_2');
    await scene.fixture.dataSource.transaction(async (manager) => {
      await scene.fixture.files.removeBySession(scene.sessionId, manager);
      await manager.query('DELETE FROM sessions WHERE id = $1', [scene.sessionId]);
    });
    expect(await scene.tree(fork)).toEqual({ 'a.txt': 'a', 'b/c.txt': 'c' });
    expect([await scene.fixture.count('files'), await scene.fixture.count('blobs')]).toEqual([2, 2]);
  });

  it('of a session without files is nothing', async () => {
    const fork = await scene.fixture.insertSession('ann');
    await scene.fixture.dataSource.transaction((manager) =>
      scene.workspaces.copyWorkspace(scene.sessionId, fork, manager),
    );
    expect(await scene.tree(fork)).toEqual({});
  });
});

describe('deleting a session', () => {
  it('takes its tree with it, even by its row alone', async () => {
    await scene.runCall({ 'a.txt': 'a' });
    await scene.fixture.dataSource.query('DELETE FROM sessions WHERE id = $1', [scene.sessionId]);
    await scene.fixture.blobs.removeAllUnreferenced();
    expect([
      await scene.fixture.count('files'),
      await scene.fixture.count('workspace_entries'),
      await scene.fixture.count('blobs'),
    ]).toEqual([0, 0, 0]);
  });
});
