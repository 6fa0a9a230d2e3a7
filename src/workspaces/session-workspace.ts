import { DomainError } from '../errors.js';
import type { FileObject } from '../events/event.js';
import type { StoredFile } from '../files/file.entity.js';
import type { FileFacts, FileService } from '../files/file.service.js';
import type { FileSource } from '../files/file-object.js';
import type { FileChange, Sandbox, SandboxProvider } from '../sandbox/sandbox.js';
import type { Workspace } from '../tools/tool.js';
import type { KeyedLock } from './keyed-lock.js';
import type { ManifestEntry, ManifestRepository } from './manifest.repository.js';
import type { SandboxMirror } from './sandbox-mirror.js';
import { takeOver, upsertsOf, type TakeOver } from './take-over.js';
import { patiently } from './patiently.js';
import { requireWorkspacePath } from './workspace-path.js';

/** The call that a workspace is opened for. */
export interface WorkspaceScope {
  readonly sessionId: string;
  readonly owner: string;
  readonly runId: string;
  readonly toolCallId: string;
  readonly generation: number;
  readonly tool: string;
  readonly round: number;
  readonly turn: number;
  /** What has to be done around the call's own code: its time stands still meanwhile, up to a limit. */
  offTheClock<T>(work: () => Promise<T>): Promise<T>;
  /** Waits as the call does: whoever gave it up does not stand in line for a sandbox any more. */
  waitForSandbox(
    wait: (signal: AbortSignal, onQueued: (position: number) => void) => Promise<Sandbox>,
  ): Promise<Sandbox>;
  /** Every file the call made or changed, once its row and its place in the tree are committed. */
  onFile(file: StoredFile): Promise<void>;
  /** A file the call made that could not be kept, as an error placeholder. */
  onMissingFile(placeholder: FileObject): Promise<void>;
  /** For clients, what the model is told too: variables gone, files that the sandbox would not take. */
  onStateLost(reason: string): Promise<void>;
}

export interface WorkspaceParts {
  readonly files: FileService;
  readonly manifest: ManifestRepository;
  readonly mirror: SandboxMirror;
  readonly sandboxes: SandboxProvider;
  readonly sandboxLock: KeyedLock;
  readonly maxFileBytes: number;
}

interface PreparedSandbox {
  readonly sandbox: Sandbox;
  readonly entries: readonly ManifestEntry[];
  /** For the model, one sentence each. */
  readonly news: readonly string[];
}

const VARIABLES_LOST =
  'The earlier sandbox is gone: variables, imports and background processes of earlier calls are lost. ' +
  'The files in the working directory were restored.';

/** The working directory of a session as one call sees it. */
export class SessionWorkspace implements Workspace {
  private readonly produced: string[] = [];
  private sandbox: Sandbox | undefined;

  constructor(
    private readonly parts: WorkspaceParts,
    private readonly scope: WorkspaceScope,
  ) {}

  /** The ids of the files this call made or changed so far, in the order they were told. */
  producedFileIds(): readonly string[] {
    return [...this.produced];
  }

  /** The call's result is committed: its sandbox need not keep it any more. */
  settled(): void {
    this.sandbox?.acknowledge(this.scope.toolCallId);
  }

  async list(): ReturnType<Workspace['list']> {
    const entries = await this.parts.manifest.list(this.scope.sessionId);
    return entries.map(({ path, bytes, fileId, modifiedAt }) => ({
      path,
      bytes: Number(bytes),
      fileId,
      modifiedAt,
    }));
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const entry = await this.parts.manifest.find(this.scope.sessionId, requireWorkspacePath(path));
    return entry === undefined ? undefined : this.parts.files.readAll(entry, maxBytes);
  }

  async readById(fileId: string, maxBytes: number): Promise<{ name: string; data: Uint8Array } | undefined> {
    const [file] = await this.parts.files.findMany([fileId]);
    if (file === undefined || file.owner !== this.scope.owner) return undefined;
    return { name: file.name, data: await this.parts.files.readAll(file, maxBytes) };
  }

  /** The session's sandbox gets the file before its next call, as `withSandbox` brings it to this tree. */
  async write(path: string, data: Uint8Array): Promise<void> {
    const { manifest, files, maxFileBytes } = this.parts;
    const place = requireWorkspacePath(path);
    const obstacle = await manifest.findObstacle(this.scope.sessionId, place);
    if (obstacle !== undefined) {
      throw new DomainError('invalid_request', `${place} cannot be a file: there is ${obstacle}.`, {
        reason: 'path_taken',
        param: 'path',
      });
    }
    const before = await manifest.find(this.scope.sessionId, place);
    const input = {
      ...this.facts(),
      name: place,
      purpose: 'agent_output',
      content: data,
      maxBytes: maxFileBytes,
    };
    const file = await patiently(() => files.storeChanged(input, before?.sha256));
    const executable = before?.executable ?? false;
    const stored = file === undefined ? [] : [{ path: place, file, executable }];
    const unchanged = file === undefined && before !== undefined ? [before] : [];
    await this.commit({ stored, unchanged, deletions: [], missing: [] }, byPath(unchanged));
  }

  async withSandbox<T extends { readonly changes: readonly FileChange[] }>(
    use: (sandbox: Sandbox, news: readonly string[]) => Promise<T>,
  ): Promise<T> {
    return this.parts.sandboxLock.run(this.scope.sessionId, () => this.useSandbox(use));
  }

  async withLeftSandbox<T extends { readonly changes: readonly FileChange[] }>(
    use: (sandbox: Sandbox) => Promise<T>,
  ): Promise<T | undefined> {
    const { sessionId, runId, generation } = this.scope;
    const { sandboxes, manifest, sandboxLock } = this.parts;
    return sandboxLock.run(sessionId, async () => {
      const sandbox = await this.scope.offTheClock(() => sandboxes.recover({ sessionId, runId, generation }));
      if (sandbox === undefined) return undefined;
      const entries = await manifest.list(sessionId);
      return this.useAndTakeOver(sandbox, entries, use);
    });
  }

  private async useSandbox<T extends { readonly changes: readonly FileChange[] }>(
    use: (sandbox: Sandbox, news: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const { sandbox, entries, news } = await this.scope.offTheClock(() => this.prepareSandbox());
    return this.useAndTakeOver(sandbox, entries, (used) => use(used, news));
  }

  private async prepareSandbox(): Promise<PreparedSandbox> {
    const { sessionId, runId, generation, toolCallId } = this.scope;
    const { sandboxes, mirror, manifest } = this.parts;
    // One that lives is as it was chosen already.
    const choice = sandboxes.current(sessionId) === undefined ? await manifest.sandboxChoice(sessionId) : {};
    const spec = { sessionId, runId, generation, ...choice };
    const sandbox = await this.scope.waitForSandbox((signal, onQueued) =>
      sandboxes.acquire(spec, signal, onQueued),
    );
    const isNew = sandbox.fresh && !mirror.isKnown(sessionId, sandbox);
    const entries = await manifest.list(sessionId);
    const refused = await mirror.bring(sessionId, sandbox, entries);
    const hasLost = isNew && (await manifest.hasUsedSandbox(sessionId, toolCallId));
    const news = [
      ...(hasLost ? [VARIABLES_LOST] : []),
      ...(refused.length > 0 ? [describeRefused(refused)] : []),
    ];
    for (const reason of news) await this.scope.onStateLost(reason);
    return { sandbox, entries, news };
  }

  private async useAndTakeOver<T extends { readonly changes: readonly FileChange[] }>(
    sandbox: Sandbox,
    entries: readonly ManifestEntry[],
    use: (sandbox: Sandbox) => Promise<T>,
  ): Promise<T> {
    this.sandbox = sandbox;
    try {
      const result = await use(sandbox);
      await this.scope.offTheClock(() => this.takeOverChanges(sandbox, entries, result.changes));
      return result;
    } catch (error) {
      // The sandbox may hold what the tree does not.
      this.parts.mirror.forget(this.scope.sessionId);
      throw error;
    }
  }

  private async takeOverChanges(
    sandbox: Sandbox,
    entries: readonly ManifestEntry[],
    changes: readonly FileChange[],
  ): Promise<void> {
    if (changes.length === 0) return;
    const { files, mirror, maxFileBytes } = this.parts;
    const before = byPath(entries);
    const taken = await takeOver(files, { sandbox, changes, before, facts: this.facts(), maxFileBytes });
    if (mirror.isAlive(this.scope.sessionId, sandbox)) {
      await this.commit(taken, before);
      mirror.record(this.scope.sessionId, upsertsOf(taken, before), taken.deletions);
      return;
    }
    // Lost while its files were read: some may be cut, so the tree stays as it was before the call.
    await files.removeFiles(taken.stored.map(({ file }) => file));
    for (const placeholder of taken.missing) await this.scope.onMissingFile(placeholder);
  }

  /** Stored files into the tree, then the news. Nothing of it when the run was taken over. */
  private async commit(taken: TakeOver, before: ReadonlyMap<string, ManifestEntry>): Promise<void> {
    const { sessionId, runId, generation, toolCallId } = this.scope;
    const { files, manifest } = this.parts;
    try {
      const change = { sessionId, upserts: upsertsOf(taken, before), deletions: taken.deletions };
      await patiently(() => manifest.apply(change, { id: runId, generation }));
    } catch (error) {
      await files.removeFiles(taken.stored.map(({ file }) => file));
      throw error;
    }
    // This very call made them before a crash: it made them still.
    const again = taken.unchanged
      .filter((entry) => entry.toolCallId === toolCallId)
      .map((entry) => entry.fileId);
    for (const file of [...(await files.findMany(again)), ...taken.stored.map((item) => item.file)]) {
      this.produced.push(file.id);
      await this.scope.onFile(file);
    }
    for (const placeholder of taken.missing) await this.scope.onMissingFile(placeholder);
  }

  private facts(): Omit<FileFacts, 'name' | 'purpose'> & { source: FileSource } {
    const { sessionId, owner, runId, toolCallId, tool, round, turn } = this.scope;
    return { sessionId, owner, runId, toolCallId, source: { tool, round, turn } };
  }
}

function byPath(entries: readonly ManifestEntry[]): ReadonlyMap<string, ManifestEntry> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function describeRefused(paths: readonly string[]): string {
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return `The sandbox would not take these files of the working directory: ${paths.slice(0, 5).join(', ')}${more}.`;
}
