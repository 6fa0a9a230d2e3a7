import { expect } from 'vitest';
import type { FileObject } from '../../src/events/event.js';
import type { StoredFile } from '../../src/files/file.entity.js';
import type { Sandbox, SandboxProvider } from '../../src/sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import type { ScriptedExecution } from '../../src/sandbox/scripted/scripted-sandbox.js';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import type { FilesFixture } from './files-fixture.js';

const MEBIBYTE = 1024 * 1024;

export interface Call {
  readonly workspace: ReturnType<WorkspaceService['open']>;
  readonly files: StoredFile[];
  readonly missing: FileObject[];
  readonly lost: string[];
}

export function exec(sandbox: Sandbox) {
  return sandbox.exec('code', { timeoutMs: 1000 }, () => {}, new AbortController().signal);
}

/** One session of ann's with a run, on an empty database, and what its sandbox and its tree have. */
export class WorkspaceScene {
  provider = new ScriptedSandboxProvider();
  readonly workspaces: WorkspaceService;

  private constructor(
    readonly fixture: FilesFixture,
    public sessionId: string,
    readonly runId: string,
  ) {
    this.workspaces = this.serviceOn(this.provider);
  }

  static async open(fixture: FilesFixture): Promise<WorkspaceScene> {
    await fixture.dataSource.query('TRUNCATE sessions, blobs, files CASCADE');
    const sessionId = await fixture.insertSession('ann');
    return new WorkspaceScene(fixture, sessionId, await fixture.insertRun(sessionId, 'ann'));
  }

  /** As another process, or the same after a restart, would have it. */
  serviceOn(sandboxes: SandboxProvider): WorkspaceService {
    const { dataSource, files, config } = this.fixture;
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

  openCall(toolCallId = 'call_1', options: { service?: WorkspaceService; generation?: number } = {}): Call {
    const seen = { files: [] as StoredFile[], missing: [] as FileObject[], lost: [] as string[] };
    const workspace = (options.service ?? this.workspaces).open({
      sessionId: this.sessionId,
      owner: 'ann',
      runId: this.runId,
      toolCallId,
      generation: options.generation ?? 1,
      tool: 'python',
      round: 2,
      turn: 1,
      offTheClock: (work) => work(),
      waitForSandbox: (wait) => wait(new AbortController().signal, () => undefined),
      onFile: async (file) => {
        const [row] = await this.fixture.dataSource.query('SELECT 1 FROM files WHERE id = $1', [file.id]);
        expect(row).toBeDefined();
        seen.files.push(file);
      },
      onMissingFile: async (placeholder) => void seen.missing.push(placeholder),
      onStateLost: async (reason) => void seen.lost.push(reason),
    });
    return { workspace, ...seen };
  }

  async runCall(files: ScriptedExecution['files'], toolCallId?: string): Promise<Call> {
    this.provider.enqueue({ files: files ?? {} });
    const call = this.openCall(toolCallId);
    await call.workspace.withSandbox(exec);
    return call;
  }

  async tree(id = this.sessionId): Promise<Record<string, string>> {
    const entries = await new ManifestRepository(this.fixture.dataSource).list(id);
    const contents: Record<string, string> = {};
    for (const entry of entries)
      contents[entry.path] = (await this.fixture.files.readAll(entry, MEBIBYTE)).toString();
    return contents;
  }

  async inSandbox(): Promise<Record<string, string>> {
    const sandbox = this.provider.current(this.sessionId);
    const contents: Record<string, string> = {};
    for (const { path } of (await sandbox?.list()) ?? []) {
      const pieces: Uint8Array[] = [];
      for await (const piece of sandbox?.read(path, MEBIBYTE) ?? []) pieces.push(piece);
      contents[path] = Buffer.concat(pieces).toString();
    }
    return contents;
  }
}
