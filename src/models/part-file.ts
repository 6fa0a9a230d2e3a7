import { createHash, type Hash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import type { Disk, PartHandle } from './disk.js';
import { writeFailure } from './write-failure.js';
import { writeWhole } from './write-whole.js';

/** What the bytes of an unfinished download are bytes of. */
const partState = z.object({
  size: z.number(),
  sha256: z.string().optional(),
  /** Strong ones only: a weak one says nothing about single bytes. */
  etag: z.string().optional(),
  writer: z.object({ pid: z.number(), host: z.string() }),
});
type PartState = z.infer<typeof partState>;

export interface PartContent {
  readonly size: number;
  readonly sha256?: string;
}

const READ_BYTES = 1024 * 1024;

/** The beginning of a file that is being fetched, beside its place, with its checksum so far. */
export class PartFile {
  private hash: Hash = createHash('sha256');
  private written = 0;
  private state: PartState | undefined;
  /** Whether some of the bytes were here before this process came. */
  hasOldBytes = false;

  private constructor(
    readonly path: string,
    private readonly content: PartContent,
    private readonly handle: PartHandle,
  ) {}

  /** Takes what is there if it is a beginning of this very content, else begins anew. Rejects with ModelError. */
  static async open(path: string, content: PartContent, disk: Disk, signal: AbortSignal): Promise<PartFile> {
    const handle = await disk.openPart(path).catch((error: unknown) => {
      throw writeFailure(path, error);
    });
    const part = new PartFile(path, content, handle);
    try {
      await part.takeWhatIsThere(signal);
      return part;
    } catch (error) {
      await handle.close();
      signal.throwIfAborted();
      throw writeFailure(path, error);
    }
  }

  get bytes(): number {
    return this.written;
  }

  get etag(): string | undefined {
    return this.state?.etag;
  }

  /** Drops what is there; what follows comes under this tag. */
  async restart(etag: string | undefined): Promise<void> {
    this.hash = createHash('sha256');
    this.written = 0;
    this.hasOldBytes = false;
    try {
      await this.handle.truncate(0);
      await this.claim(etag);
    } catch (error) {
      throw writeFailure(this.path, error);
    }
  }

  /** Rejects with ModelError disk_full or cannot_write; what was written before stays and counts. */
  async append(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      const { bytesWritten } = await this.handle
        .write(rest, 0, rest.length, this.written)
        .catch((error: unknown) => {
          throw writeFailure(this.path, error);
        });
      this.hash.update(rest.subarray(0, bytesWritten));
      this.written += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  /** The checksum of all that was written, which is on the disk then. */
  async digest(): Promise<string> {
    await this.handle.sync().catch((error: unknown) => {
      throw writeFailure(this.path, error);
    });
    return this.hash.copy().digest('hex');
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** Says whose bytes these are and who is at it now. */
  private async claim(etag: string | undefined): Promise<void> {
    const { size, sha256 } = this.content;
    this.state = {
      size,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(etag === undefined ? {} : { etag }),
      writer: { pid: process.pid, host: hostname() },
    };
    await writeWhole(statePath(this.path), JSON.stringify(this.state));
  }

  private async takeWhatIsThere(signal: AbortSignal): Promise<void> {
    const { size } = await this.handle.stat();
    const state = await readState(this.path);
    if (size > this.content.size || state === undefined || !isSameContent(state, this.content)) {
      // Without a state the first answer's tag begins one.
      await this.handle.truncate(0);
      return;
    }
    await this.claim(state.etag);
    this.hasOldBytes = size > 0;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    while (this.written < size) {
      signal.throwIfAborted();
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.written);
      if (bytesRead === 0) break;
      this.hash.update(buffer.subarray(0, bytesRead));
      this.written += bytesRead;
    }
  }
}

/** Bytes of this content that an earlier download left. */
export async function keptBytes(path: string, content: PartContent, size: number): Promise<number> {
  const state = await readState(path);
  return state !== undefined && isSameContent(state, content) && size <= content.size ? size : 0;
}

/** Who began an unfinished download, as far as that is known. */
export async function writerOf(path: string): Promise<string | undefined> {
  const writer = (await readState(path))?.writer;
  return writer === undefined ? undefined : `process ${writer.pid} on ${writer.host}`;
}

/** Ends a download: nothing of it is left but what was moved to its place. */
export async function removePart(path: string): Promise<void> {
  for (const each of [path, statePath(path), `${statePath(path)}.new`]) await rm(each, { force: true });
}

function statePath(path: string): string {
  return `${path}.json`;
}

/** Without a checksum or a strong tag nobody can say that the rest belongs to this beginning. */
function isSameContent(state: PartState, { size, sha256 }: PartContent): boolean {
  return state.size === size && state.sha256 === sha256 && (sha256 !== undefined || state.etag !== undefined);
}

async function readState(path: string): Promise<PartState | undefined> {
  try {
    return partState.parse(JSON.parse(await readFile(statePath(path), 'utf8')));
  } catch {
    return undefined;
  }
}
