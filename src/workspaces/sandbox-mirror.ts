import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { FileService } from '../files/file.service.js';
import { SANDBOX_PROVIDER, type FileStat, type Sandbox, type SandboxProvider } from '../sandbox/sandbox.js';
import type { ManifestEntry, ManifestUpsert } from './manifest.repository.js';

interface Mirror {
  readonly sandboxId: string;
  /** What the sandbox holds, by path. */
  readonly held: Map<string, Pick<ManifestUpsert, 'fileId' | 'executable'>>;
}

/**
 * Knows which files the live sandboxes of this process hold, and brings one to the manifest's state by
 * writing only what differs: all of it into a new sandbox, an upload or another tool's file into one
 * in use, and nothing in the usual case. In one that it does not know, left by an earlier process or by a call that
 * failed, it looks first: a program may still be writing there, into files that a new one would take the names of.
 */
@Injectable()
export class SandboxMirror {
  private readonly mirrors = new Map<string, Mirror>();

  constructor(
    private readonly files: FileService,
    @Inject(SANDBOX_PROVIDER) private readonly sandboxes: SandboxProvider,
  ) {}

  isKnown(sessionId: string, sandbox: Sandbox): boolean {
    return this.mirrors.get(sessionId)?.sandboxId === sandbox.id;
  }

  /** Returns the paths that the sandbox would not take. Rejects when the sandbox is lost meanwhile. */
  async bring(
    sessionId: string,
    sandbox: Sandbox,
    entries: readonly ManifestEntry[],
  ): Promise<readonly string[]> {
    const { held } = await this.mirrorOf(sessionId, sandbox, entries);
    const wanted = new Set(entries.map((entry) => entry.path));
    const refused: string[] = [];
    for (const path of held.keys()) {
      if (wanted.has(path)) continue;
      if (!(await this.attempt(sessionId, sandbox, () => sandbox.remove(path)))) refused.push(path);
      held.delete(path);
    }
    for (const entry of entries) {
      const there = held.get(entry.path);
      if (there?.fileId === entry.fileId && there.executable === entry.executable) continue;
      if (!(await this.put(sessionId, sandbox, entry))) refused.push(entry.path);
      // Refused ones too: they would be refused, and told, at every call.
      held.set(entry.path, entry);
    }
    return refused;
  }

  /** After a call: what the sandbox itself changed is now in the manifest. */
  record(sessionId: string, upserts: readonly ManifestUpsert[], deletions: readonly string[]): void {
    const held = this.mirrors.get(sessionId)?.held;
    for (const path of deletions) held?.delete(path);
    for (const upsert of upserts) held?.set(upsert.path, upsert);
  }

  /** When it is no longer certain what the sandbox holds: the next call looks. */
  forget(sessionId: string): void {
    this.mirrors.delete(sessionId);
  }

  /** True while this very sandbox is the session's live one. */
  isAlive(sessionId: string, sandbox: Sandbox): boolean {
    return this.sandboxes.current(sessionId)?.id === sandbox.id;
  }

  private async mirrorOf(
    sessionId: string,
    sandbox: Sandbox,
    entries: readonly ManifestEntry[],
  ): Promise<Mirror> {
    const known = this.mirrors.get(sessionId);
    if (known?.sandboxId === sandbox.id) return known;
    const held = new Map(sandbox.fresh ? [] : await this.look(sessionId, sandbox, entries));
    for (const other of this.mirrors.keys()) {
      if (this.sandboxes.current(other) === undefined) this.mirrors.delete(other);
    }
    const mirror: Mirror = { sandboxId: sandbox.id, held };
    this.mirrors.set(sessionId, mirror);
    return mirror;
  }

  /** What may stay as it is: what the tree has too, and what changed since the last call, which the next one takes over. */
  private async look(
    sessionId: string,
    sandbox: Sandbox,
    entries: readonly ManifestEntry[],
  ): Promise<readonly (readonly [string, ManifestEntry])[]> {
    const stats = new Map((await sandbox.list()).map((stat) => [stat.path, stat]));
    const same = new Set<string>();
    for (const entry of entries) {
      if (await this.isSame(sessionId, sandbox, stats.get(entry.path), entry)) same.add(entry.path);
    }
    // Asked last: what was written while the files were compared counts too.
    const changed = new Set((await sandbox.pending()).map(({ path }) => path));
    return entries
      .filter(({ path }) => same.has(path) || changed.has(path))
      .map((entry) => [entry.path, entry]);
  }

  private async isSame(
    sessionId: string,
    sandbox: Sandbox,
    stat: FileStat | undefined,
    entry: ManifestEntry,
  ): Promise<boolean> {
    const bytes = Number(entry.bytes);
    if (stat?.bytes !== bytes || stat.executable !== entry.executable) return false;
    const hash = createHash('sha256');
    const isRead = await this.attempt(sessionId, sandbox, async () => {
      for await (const piece of sandbox.read(entry.path, bytes)) hash.update(piece);
    });
    return isRead && hash.digest().equals(entry.sha256);
  }

  private async put(sessionId: string, sandbox: Sandbox, entry: ManifestEntry): Promise<boolean> {
    let readError: unknown;
    const content = this.files.open(entry);
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* content;
      } catch (error) {
        readError = error;
        throw error;
      }
    }
    const { path, executable } = entry;
    const written = await this.attempt(sessionId, sandbox, () =>
      sandbox.write(path, source(), { executable }),
    );
    // Our own failure to read is not the sandbox's refusal.
    if (readError !== undefined) throw readError;
    return written;
  }

  /** False for a refusal of this one file; a lost sandbox rejects. */
  private async attempt(sessionId: string, sandbox: Sandbox, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!this.isAlive(sessionId, sandbox)) throw error;
      return false;
    }
  }
}
