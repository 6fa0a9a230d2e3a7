import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FileObject } from '../../src/events/event.js';
import type { StoredFile } from '../../src/files/file.entity.js';
import type { Sandbox, SandboxProvider } from '../../src/sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import type { ScriptedExecution } from '../../src/sandbox/scripted/scripted-sandbox.js';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import { openFilesFixture, type FilesFixture } from './files-fixture.js';

const MEBIBYTE = 1024 * 1024;

let fixture: FilesFixture;
let provider: ScriptedSandboxProvider;
let workspaces: WorkspaceService;
let sessionId: string;
let runId: string;

beforeAll(async () => {
  fixture = await openFilesFixture({ GANTRY_SANDBOX_WORKSPACE_MB: '2' });
});
beforeEach(async () => {
  await fixture.dataSource.query('TRUNCATE sessions, blobs, files CASCADE');
  provider = new ScriptedSandboxProvider();
  workspaces = serviceOn(provider);
  sessionId = await fixture.insertSession('ann');
  runId = await fixture.insertRun(sessionId, 'ann');
});
afterAll(() => fixture.close());

/** As another process, or the same after a restart, would have it. */
function serviceOn(sandboxes: SandboxProvider): WorkspaceService {
  const { dataSource, files, config } = fixture;
  const mirror = new SandboxMirror(files, sandboxes);
  return new WorkspaceService(
    dataSource,
    files,
    new ManifestRepository(dataSource),
    mirror,
    sandboxes,
    config,
  );
}

interface Call {
  readonly workspace: ReturnType<WorkspaceService['open']>;
  readonly files: StoredFile[];
  readonly missing: FileObject[];
  readonly lost: string[];
}

function openCall(
  toolCallId = 'call_1',
  options: { service?: WorkspaceService; generation?: number } = {},
): Call {
  const seen = { files: [] as StoredFile[], missing: [] as FileObject[], lost: [] as string[] };
  const workspace = (options.service ?? workspaces).open({
    sessionId,
    owner: 'ann',
    runId,
    toolCallId,
    generation: options.generation ?? 1,
    tool: 'python',
    round: 2,
    turn: 1,
    waitForSandbox: (wait) => wait(new AbortController().signal, () => undefined),
    onFile: async (file) => {
      const [row] = await fixture.dataSource.query('SELECT 1 FROM files WHERE id = $1', [file.id]);
      expect(row).toBeDefined();
      seen.files.push(file);
    },
    onMissingFile: async (placeholder) => void seen.missing.push(placeholder),
    onStateLost: async (reason) => void seen.lost.push(reason),
  });
  return { workspace, ...seen };
}

function exec(sandbox: Sandbox) {
  return sandbox.exec('code', { timeoutMs: 1000 }, () => {}, new AbortController().signal);
}

async function runCall(files: ScriptedExecution['files'], toolCallId?: string): Promise<Call> {
  provider.enqueue({ files: files ?? {} });
  const call = openCall(toolCallId);
  await call.workspace.withSandbox(exec);
  return call;
}

async function tree(id = sessionId): Promise<Record<string, string>> {
  const entries = await new ManifestRepository(fixture.dataSource).list(id);
  const contents: Record<string, string> = {};
  for (const entry of entries)
    contents[entry.path] = (await fixture.files.readAll(entry, MEBIBYTE)).toString();
  return contents;
}

async function inSandbox(): Promise<Record<string, string>> {
  const sandbox = provider.current(sessionId);
  const contents: Record<string, string> = {};
  for (const { path } of (await sandbox?.list()) ?? []) {
    const pieces: Uint8Array[] = [];
    for await (const piece of sandbox?.read(path, MEBIBYTE) ?? []) pieces.push(piece);
    contents[path] = Buffer.concat(pieces).toString();
  }
  return contents;
}

describe('a call with the sandbox', () => {
  it('takes over what it made, changed and deleted', async () => {
    await runCall({ 'keep.txt': 'k', 'change.txt': 'old', 'gone.txt': 'g' });
    const old = (await openCall().workspace.list()).find((entry) => entry.path === 'change.txt');
    const call = await runCall({ 'out/plot.svg': '<svg/>', 'change.txt': 'new', 'gone.txt': null }, 'call_2');
    expect(await tree()).toEqual({ 'keep.txt': 'k', 'change.txt': 'new', 'out/plot.svg': '<svg/>' });
    expect(call.files.map((file) => file.name)).toEqual(['out/plot.svg', 'change.txt']);
    expect(call.workspace.producedFileIds()).toEqual(call.files.map((file) => file.id));
    expect(call.files[0]).toMatchObject({
      owner: 'ann',
      sessionId,
      runId,
      toolCallId: 'call_2',
      purpose: 'agent_output',
      source: { tool: 'python', round: 2, turn: 1 },
    });
    const byId = await call.workspace.readById(old?.fileId ?? '', 10);
    expect(Buffer.from(byId?.data ?? []).toString()).toBe('old');
  });

  it('tells of content that changed, not of files that were only touched', async () => {
    await runCall({ 'a.txt': 'a' });
    const call = await runCall({ 'a.txt': 'a' }, 'call_2');
    expect(call.files).toEqual([]);
    expect(await fixture.count('files')).toBe(1);
  });

  it('tells again of what this very call made before a crash', async () => {
    const first = await runCall({ 'a.txt': 'a' });
    const again = await runCall({ 'a.txt': 'a' });
    expect(again.workspace.producedFileIds()).toEqual(first.workspace.producedFileIds());
    expect(await fixture.count('files')).toBe(1);
  });

  it('leaves noise alone, but follows what was put there on purpose', async () => {
    await openCall().workspace.write('.github/ci.yml', Buffer.from('1'));
    const call = await runCall({
      '__pycache__/a.pyc': 'x',
      'node_modules/m/i.js': 'x',
      '.cache/f': 'x',
      '.github/ci.yml': '2',
      '.env': 'A=1',
    });
    expect(await tree()).toEqual({ '.github/ci.yml': '2', '.env': 'A=1' });
    expect(call.missing).toEqual([]);
  });

  it('makes a placeholder of what cannot be kept, and keeps the rest', async () => {
    const call = await runCall({ 'big.bin': 'b'.repeat(2 * MEBIBYTE + 1), 'a.txt': 'a' });
    expect(call.missing).toMatchObject([
      {
        name: 'big.bin',
        code: 'too_large',
        bytes: 2 * MEBIBYTE + 1,
        source: { tool: 'python', round: 2, turn: 1 },
      },
    ]);
    expect(await tree()).toEqual({ 'a.txt': 'a' });
  });

  it('takes hostile names for data and goes nowhere with them', async () => {
    const call = openCall();
    const result = {
      changes: ['../../etc/passwd', '/etc/passwd', 'a/../b', 'nul\0', '\uD800', 'vanished'].map((path) => ({
        change: 'created' as const,
        path,
        bytes: 1,
        modifiedAtMs: 0,
      })),
    };
    await call.workspace.withSandbox(() => Promise.resolve(result));
    expect(await tree()).toEqual({});
    expect(call.missing.map((file) => file.code)).toEqual(Array.from({ length: 6 }, () => 'unreadable'));
    for (const { name } of call.missing) expect(name.split('/')).not.toContain('..');
  });

  it('keeps 256 files of one call and says how many more there were', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `f${index}.txt`);
    const call = await runCall(Object.fromEntries(names.map((name) => [name, name])));
    expect(call.files.length).toBe(256);
    expect(call.missing).toMatchObject([{ code: 'too_many_files', name: '44 more files' }]);
  });

  it('says storage_full for each file when there is no room, and does not fail', async () => {
    const { config, files } = fixture.under({
      GANTRY_STORAGE_LIMIT_MB: '1',
      GANTRY_SANDBOX_WORKSPACE_MB: '2',
    });
    const { dataSource } = fixture;
    const mirror = new SandboxMirror(files, provider);
    const small = new WorkspaceService(
      dataSource,
      files,
      new ManifestRepository(dataSource),
      mirror,
      provider,
      config,
    );
    provider.enqueue({ files: { 'a.bin': 'a'.repeat(MEBIBYTE + 1), 'b.txt': 'b' } });
    const call = openCall('call_1', { service: small });
    await call.workspace.withSandbox(exec);
    expect(call.missing).toMatchObject([{ name: 'a.bin', code: 'storage_full' }]);
    expect(call.files.map((file) => file.name)).toEqual(['b.txt']);
    await expect(call.workspace.write('c.bin', Buffer.alloc(MEBIBYTE))).rejects.toMatchObject({
      code: 'storage_full',
    });
  });

  it('that loses its sandbox leaves the tree as it was', async () => {
    await runCall({ 'a.txt': 'before' });
    provider.enqueue({ files: { 'a.txt': 'half', 'b.txt': 'b' }, result: { outcome: 'sandbox_lost' } });
    const call = openCall('call_2');
    expect((await call.workspace.withSandbox(exec)).outcome).toBe('sandbox_lost');
    expect(await tree()).toEqual({ 'a.txt': 'before' });
    await runCall({}, 'call_3');
    expect(await inSandbox()).toEqual({ 'a.txt': 'before' });
  });

  it('that loses its sandbox while its files are read leaves the tree as it was, and no files', async () => {
    await runCall({ 'a.txt': 'before' });
    provider.enqueue({ files: { 'a.txt': 'after', 'b.txt': 'b' } });
    const call = openCall('call_2');
    await call.workspace.withSandbox(async (sandbox) => {
      const result = await exec(sandbox);
      const reads = sandbox.read.bind(sandbox);
      sandbox.read = async function* (path: string, maxBytes: number) {
        yield* reads(path, maxBytes);
        if (path === 'a.txt') await sandbox.close();
      };
      return result;
    });
    expect(await tree()).toEqual({ 'a.txt': 'before' });
    expect(call.files).toEqual([]);
    expect(call.missing).toMatchObject([{ name: 'b.txt', code: 'unreadable' }]);
    expect([await fixture.count('files'), await fixture.count('blobs')]).toEqual([1, 1]);
  });

  it('of a worker that was fenced changes nothing', async () => {
    await runCall({ 'a.txt': 'before' });
    await fixture.dataSource.query('UPDATE runs SET generation = 2 WHERE id = $1', [runId]);
    provider.enqueue({ files: { 'a.txt': 'stale' } });
    const stale = openCall('call_2', { generation: 1 });
    await expect(stale.workspace.withSandbox(exec)).rejects.toThrow(/no longer/);
    await expect(stale.workspace.write('b.txt', Buffer.from('b'))).rejects.toThrow(/no longer/);
    expect([stale.files, await tree(), await fixture.count('files')]).toEqual([[], { 'a.txt': 'before' }, 1]);
    await openCall('call_3', { generation: 2 }).workspace.withSandbox(exec);
    expect(await inSandbox()).toEqual({ 'a.txt': 'before' });
  });

  it('waits for the one before it in the same session, and not for other sessions', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const slow = openCall('call_1').workspace.withSandbox(async () => {
      order.push('first in');
      await gate.promise;
      order.push('first out');
      return { changes: [] };
    });
    const next = openCall('call_2').workspace.withSandbox(async () => {
      order.push('second');
      return { changes: [] };
    });
    const mine = sessionId;
    sessionId = await fixture.insertSession('ann');
    await openCall('call_3').workspace.withSandbox(async () => {
      order.push('elsewhere');
      return { changes: [] };
    });
    sessionId = mine;
    gate.resolve();
    await Promise.all([slow, next]);
    expect(order.filter((item) => item !== 'elsewhere')).toEqual(['first in', 'first out', 'second']);
    expect(order.indexOf('elsewhere')).toBeLessThan(order.indexOf('first out'));
  });
});

describe('a sandbox', () => {
  it('gets the whole tree when it is new, and the model is told what it lost', async () => {
    const callId = await fixture.insertToolCall(runId, sessionId, 'python');
    expect((await runCall({ 'a/b.txt': 'b', 'c.txt': 'c' }, callId)).lost).toEqual([]);
    await provider.release(sessionId);
    const second = await runCall({}, await fixture.insertToolCall(runId, sessionId, 'terminal'));
    expect(second.lost).toEqual([expect.stringContaining('variables')]);
    expect(await inSandbox()).toEqual({ 'a/b.txt': 'b', 'c.txt': 'c' });
    expect((await runCall({}, 'call_3')).lost).toEqual([]);
  });

  it('gets it after a restart of the server too', async () => {
    const callId = await fixture.insertToolCall(runId, sessionId, 'python');
    await runCall({ 'a.txt': 'a' }, callId);
    const other = new ScriptedSandboxProvider();
    const call = openCall('call_2', { service: serviceOn(other) });
    await call.workspace.withSandbox(exec);
    expect(call.lost.length).toBe(1);
    provider = other;
    expect(await inSandbox()).toEqual({ 'a.txt': 'a' });
  });

  it('in use gets what came since, and only that', async () => {
    await runCall({ 'a.txt': 'a', 'b.txt': 'b' });
    const upload = await fixture.files.store({
      owner: 'ann',
      name: 'up.csv',
      purpose: 'user_data',
      content: Buffer.from('1'),
    });
    await workspaces.mount(sessionId, 'ann', [upload.id]);
    const { workspace } = openCall('call_2');
    await workspace.write('b.txt', Buffer.from('B'));
    await workspace.write('d/e.txt', Buffer.from('e'));
    const [a] = await workspace.list();
    await fixture.files.remove('ann', a?.fileId ?? '');
    const written: string[] = [];
    const third = openCall('call_3');
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
    await third.workspace.withSandbox(exec);
    expect(written).toEqual(['b.txt', 'd/e.txt', 'up.csv']);
    expect(await inSandbox()).toEqual({ 'b.txt': 'B', 'd/e.txt': 'e', 'up.csv': '1' });
    await openCall('call_4').workspace.withSandbox(exec);
    expect(written.length).toBe(3);
  });

  it('that will not take a file works without it, and the model is told', async () => {
    await openCall().workspace.write('big.bin', Buffer.alloc(1000));
    await openCall().workspace.write('ok.txt', Buffer.from('ok'));
    const acquire = provider.acquire.bind(provider);
    provider.acquire = async (spec) => {
      const sandbox = await acquire(spec);
      const write = sandbox.write.bind(sandbox);
      sandbox.write = (path, data) =>
        path === 'big.bin' ? Promise.reject(new Error('no space')) : write(path, data);
      return sandbox;
    };
    const call = openCall();
    await call.workspace.withSandbox(exec);
    expect(call.lost).toEqual([expect.stringContaining('big.bin')]);
    expect(await inSandbox()).toEqual({ 'ok.txt': 'ok' });
    expect(Object.keys(await tree())).toEqual(['big.bin', 'ok.txt']);
  });

  it('is written anew after a call that failed in an unknown state', async () => {
    await runCall({ 'a.txt': 'a' });
    const broken = openCall('call_2').workspace.withSandbox(async (sandbox) => {
      await sandbox.write('a.txt', Buffer.from('overwritten'));
      throw new Error('broken');
    });
    await expect(broken).rejects.toThrow('broken');
    await runCall({}, 'call_3');
    expect(await inSandbox()).toEqual({ 'a.txt': 'a' });
  });
});

describe('reading and writing without a sandbox', () => {
  it('work on the tree', async () => {
    const { workspace, files } = openCall();
    await workspace.write('./dir//a.txt', Buffer.from('hello'));
    expect(Buffer.from((await workspace.read('dir/a.txt', 5)) ?? []).toString()).toBe('hello');
    expect(await workspace.read('dir/none', 5)).toBeUndefined();
    await expect(workspace.read('dir/a.txt', 4)).rejects.toMatchObject({ code: 'too_large' });
    expect(await workspace.list()).toMatchObject([{ path: 'dir/a.txt', bytes: 5, fileId: files[0]?.id }]);
    expect(files).toMatchObject([{ name: 'dir/a.txt', isText: true }]);
  });

  it.each(['../x', '/x', '', 'a\0', 'dir/a.txt/b', 'dir'])('refuse %j', async (path) => {
    const { workspace } = openCall();
    await workspace.write('dir/a.txt', Buffer.from('x'));
    await expect(workspace.write(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await tree()).toEqual({ 'dir/a.txt': 'x' });
  });

  it('give nobody else’s files', async () => {
    const theirs = await fixture.files.store({
      owner: 'bob',
      name: 'b',
      purpose: 'user_data',
      content: Buffer.from('b'),
    });
    expect(await openCall().workspace.readById(theirs.id, 10)).toBeUndefined();
    await expect(workspaces.mount(sessionId, 'ann', [theirs.id])).rejects.toMatchObject({
      reason: 'file_not_found',
    });
    const foreign = await fixture.insertSession('bob');
    const own = await fixture.files.store({
      owner: 'ann',
      name: 'a',
      purpose: 'user_data',
      content: Buffer.from('a'),
    });
    await expect(workspaces.mount(foreign, 'ann', [own.id])).rejects.toMatchObject({
      reason: 'session_not_found',
    });
  });
});

describe('mounting', () => {
  const store = (name: string, content: string) =>
    fixture.files.store({ owner: 'ann', name, purpose: 'user_data', content: Buffer.from(content) });

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
    await workspaces.mount(sessionId, 'ann', ids);
    await workspaces.mount(sessionId, 'ann', ids);
    expect(await tree()).toEqual({ 'a.csv': '1', 'a-2.csv': '2', 'a-3.csv': '3' });
  });

  it('keeps the working directory when the upload is deleted, and the other way round', async () => {
    const upload = await store('a.csv', '1');
    await workspaces.mount(sessionId, 'ann', [upload.id]);
    await fixture.files.remove('ann', upload.id);
    expect(await tree()).toEqual({ 'a.csv': '1' });
  });
});

describe('a fork', () => {
  it('has the same tree on its own, without new content', async () => {
    await runCall({ 'a.txt': 'a', 'b/c.txt': 'c' });
    const fork = await fixture.insertSession('ann');
    await fixture.dataSource.transaction((manager) => workspaces.copyWorkspace(sessionId, fork, manager));
    expect(await fixture.count('blobs')).toBe(2);
    await runCall({ 'a.txt': 'changed', 'b/c.txt': null }, 'call_2');
    await fixture.dataSource.transaction(async (manager) => {
      await fixture.files.removeBySession(sessionId, manager);
      await manager.query('DELETE FROM sessions WHERE id = $1', [sessionId]);
    });
    expect(await tree(fork)).toEqual({ 'a.txt': 'a', 'b/c.txt': 'c' });
    expect([await fixture.count('files'), await fixture.count('blobs')]).toEqual([2, 2]);
  });

  it('of a session without files is nothing', async () => {
    const fork = await fixture.insertSession('ann');
    await fixture.dataSource.transaction((manager) => workspaces.copyWorkspace(sessionId, fork, manager));
    expect(await tree(fork)).toEqual({});
  });
});

describe('deleting a session', () => {
  it('takes its tree with it, even by its row alone', async () => {
    await runCall({ 'a.txt': 'a' });
    await fixture.dataSource.query('DELETE FROM sessions WHERE id = $1', [sessionId]);
    await fixture.files.removeUnreferencedBlobs();
    expect([
      await fixture.count('files'),
      await fixture.count('workspace_entries'),
      await fixture.count('blobs'),
    ]).toEqual([0, 0, 0]);
  });
});
