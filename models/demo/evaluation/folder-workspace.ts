import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Workspace } from '../../../src/tools/tool.js';
import { LocalSandbox } from './local-sandbox.js';

/** A working directory in a temporary folder, the same for all tools of a dialogue. */
export class FolderWorkspace implements Workspace {
  private live: LocalSandbox | undefined;

  private constructor(readonly folder: string) {}

  static async make(files: Readonly<Record<string, string>>): Promise<FolderWorkspace> {
    const workspace = new FolderWorkspace(await mkdtemp(join(tmpdir(), 'gantry-evaluation-')));
    for (const [path, text] of Object.entries(files)) await workspace.write(path, Buffer.from(text));
    return workspace;
  }

  async list(): ReturnType<Workspace['list']> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const files = paths.sort().map(async (path) => {
      const { size, mtime } = await stat(path);
      const fileId = `file_${Buffer.from(path).toString('hex').slice(-16)}`;
      return { path: path.slice(this.folder.length + 1), bytes: size, fileId, modifiedAt: mtime };
    });
    return Promise.all(files);
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return readFile(join(this.folder, path)).catch(() => undefined);
  }

  async write(path: string, data: Uint8Array): Promise<void> {
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, data);
  }

  readById(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  withSandbox: Workspace['withSandbox'] = (use) => {
    this.live ??= new LocalSandbox(this.folder);
    return use(this.live);
  };

  async close(): Promise<void> {
    await this.live?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
