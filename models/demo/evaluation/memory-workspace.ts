import { createHash } from 'node:crypto';
import type { Sandbox, SandboxProvider } from '../../../src/sandbox/sandbox.js';
import type { Workspace } from '../../../src/tools/tool.js';

const LARGEST_FILE = 4 * 2 ** 20;

/** A dialogue's working directory: kept here, brought into the dialogue's own sandbox before each call. */
export class MemoryWorkspace implements Workspace {
  private readonly files = new Map<string, { readonly data: Uint8Array; readonly modifiedAt: Date }>();
  /** Paths whose content the sandbox has not got yet. */
  private readonly outdated = new Set<string>();

  constructor(
    private readonly sandboxes: SandboxProvider,
    private readonly dialogue: string,
    files: Readonly<Record<string, string>>,
  ) {
    for (const [path, text] of Object.entries(files)) this.keep(path, Buffer.from(text));
  }

  list(): ReturnType<Workspace['list']> {
    const rows = [...this.files].map(([path, { data, modifiedAt }]) => {
      const digest = createHash('sha256').update(`${this.dialogue}/${path}`).digest('hex');
      return { path, bytes: data.byteLength, fileId: `file_${digest.slice(0, 16)}`, modifiedAt };
    });
    return Promise.resolve(rows.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(path)?.data);
  }

  write(path: string, data: Uint8Array): Promise<void> {
    this.keep(path, data);
    return Promise.resolve();
  }

  readById(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  withSandbox: Workspace['withSandbox'] = async (use) => {
    const spec = { sessionId: this.dialogue, runId: this.dialogue, generation: 1 };
    const sandbox = await this.sandboxes.acquire(spec);
    for (const path of sandbox.fresh ? this.files.keys() : this.outdated) {
      await sandbox.write(path, this.files.get(path)?.data ?? new Uint8Array());
    }
    this.outdated.clear();
    const result = await use(sandbox, []);
    for (const change of result.changes) {
      if (change.change === 'deleted') this.files.delete(change.path);
      else this.files.set(change.path, { data: await whole(sandbox, change.path), modifiedAt: new Date() });
    }
    return result;
  };

  /** A dialogue has one process. */
  withLeftSandbox(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    return this.sandboxes.release(this.dialogue);
  }

  private keep(path: string, data: Uint8Array): void {
    this.files.set(path, { data, modifiedAt: new Date() });
    this.outdated.add(path);
  }
}

async function whole(sandbox: Sandbox, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of sandbox.read(path, LARGEST_FILE)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
