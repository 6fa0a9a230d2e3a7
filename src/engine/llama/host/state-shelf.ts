import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { type OwnFolder, takeOwnFolder } from './own-folder.js';

/** Fewer tokens than this are evaluated again as fast as they are read back. */
const WORTH_KEEPING = 128;

interface Kept {
  readonly path: string;
  readonly tokens: readonly Token[];
  readonly bytes: number;
}

/**
 * What sequences held that other sessions needed, on disk: a session that comes back goes on from there instead of
 * evaluating its conversation again. Only ever an optimisation: whatever goes wrong costs time and nothing else.
 */
export class StateShelf {
  /** By session, the one unused for longest first. */
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;
  private files = 0;

  private constructor(
    private readonly folder: OwnFolder,
    private readonly maxBytes: number,
  ) {}

  /** In a folder of this process's own in `root`. */
  static async open(root: string, maxBytes: number): Promise<StateShelf> {
    return new StateShelf(await takeOwnFolder(root), maxBytes);
  }

  /** The sequence's state as that of `sessionId`, unless it is not worth its room. */
  async keep(sessionId: string, sequence: LlamaContextSequence): Promise<void> {
    const tokens = sequence.contextTokens;
    if (tokens.length < WORTH_KEEPING) return;
    const path = join(this.folder.path, `${this.files++}.state`);
    try {
      const { fileSize: bytes } = await sequence.saveStateToFile(path);
      await this.drop(sessionId);
      this.kept.set(sessionId, { path, tokens, bytes });
      this.bytes += bytes;
      await this.makeRoom();
    } catch {
      await rm(path, { force: true });
    }
  }

  /** How many of the prompt's tokens `restore` would bring back. */
  sharedLength(sessionId: string, prompt: readonly Token[]): number {
    return sharedLength(this.kept.get(sessionId)?.tokens ?? [], prompt);
  }

  /** Puts back what the session had, if more of its prompt is in it than in the sequence. */
  async restore(sessionId: string, sequence: LlamaContextSequence, prompt: readonly Token[]): Promise<void> {
    const kept = this.kept.get(sessionId);
    if (kept === undefined) return;
    const there = sequence.compareContextTokens([...prompt]).firstDifferentIndex;
    if (sharedLength(kept.tokens, prompt) - there >= WORTH_KEEPING) {
      try {
        // The risk is a file made by somebody else; the folder is this process's own.
        await sequence.loadStateFromFile(kept.path, { acceptRisk: true });
      } catch {
        await sequence.clearHistory();
      }
    }
    await this.drop(sessionId);
  }

  async drop(sessionId: string): Promise<void> {
    const kept = this.kept.get(sessionId);
    if (kept === undefined) return;
    this.kept.delete(sessionId);
    this.bytes -= kept.bytes;
    await rm(kept.path, { force: true });
  }

  async close(): Promise<void> {
    this.kept.clear();
    await this.folder.close();
  }

  private async makeRoom(): Promise<void> {
    for (const sessionId of this.kept.keys()) {
      if (this.bytes <= this.maxBytes) return;
      await this.drop(sessionId);
    }
  }
}

function sharedLength(a: readonly Token[], b: readonly Token[]): number {
  const different = a.findIndex((token, index) => token !== b[index]);
  return different === -1 ? a.length : different;
}
