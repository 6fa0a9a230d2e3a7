import { DomainError } from '../errors.js';
import type { FileChange, Sandbox } from '../sandbox/sandbox.js';
import type { Workspace } from './tool.js';

export interface ScriptedWorkspaceOptions {
  /** All files together; a write past it is refused with `storage_full`. */
  readonly maxBytes?: number;
  /** Given to `withSandbox`; without one, `withSandbox` rejects with `unavailable`. */
  readonly sandbox?: Sandbox;
}

/** An in-memory `Workspace` with the rules of the real one, for tests of tools. */
export class ScriptedWorkspace implements Workspace {
  readonly files = new Map<string, { data: Uint8Array; fileId: string; modifiedAt: Date }>();
  /** Files the session may read by id that are not in the working directory. */
  readonly attachments = new Map<string, { name: string; data: Uint8Array }>();
  private lastId = 0;

  constructor(private readonly options: ScriptedWorkspaceOptions = {}) {}

  list(): ReturnType<Workspace['list']> {
    const entries = [...this.files].map(([path, { data, fileId, modifiedAt }]) => {
      return { path, bytes: data.byteLength, fileId, modifiedAt };
    });
    return Promise.resolve(entries.sort((a, b) => (a.path < b.path ? -1 : 1)));
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return capped(this.files.get(path)?.data, maxBytes);
  }

  async write(path: string, data: Uint8Array): Promise<void> {
    if (path === '' || path.startsWith('/') || path.split('/').includes('..')) {
      throw new DomainError(
        'invalid_request',
        `"${path}" is not a relative path inside the working directory`,
      );
    }
    const others = [...this.files].filter(([name]) => name !== path);
    const used = others.reduce((sum, [, file]) => sum + file.data.byteLength, 0);
    if (used + data.byteLength > (this.options.maxBytes ?? Infinity)) {
      throw new DomainError('storage_full', 'The working directory is full');
    }
    this.lastId += 1;
    this.files.set(path, { data: data.slice(), fileId: `file_${this.lastId}`, modifiedAt: new Date(0) });
  }

  async readById(fileId: string, maxBytes: number): Promise<{ name: string; data: Uint8Array } | undefined> {
    const attachment = this.attachments.get(fileId);
    const entry = [...this.files].find(([, file]) => file.fileId === fileId);
    const found = attachment ?? (entry && { name: entry[0], data: entry[1].data });
    capped(found?.data, maxBytes);
    return found;
  }

  withSandbox<T extends { readonly changes: readonly FileChange[] }>(
    use: (sandbox: Sandbox, news: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const { sandbox } = this.options;
    if (sandbox === undefined) {
      return Promise.reject(new DomainError('unavailable', 'No sandbox was scripted'));
    }
    return use(sandbox, []);
  }

  async withLeftSandbox<T extends { readonly changes: readonly FileChange[] }>(
    use: (sandbox: Sandbox) => Promise<T>,
  ): Promise<T | undefined> {
    const { sandbox } = this.options;
    return sandbox === undefined ? undefined : use(sandbox);
  }
}

function capped(data: Uint8Array | undefined, maxBytes: number): Uint8Array | undefined {
  if (data && data.byteLength > maxBytes) {
    throw new DomainError('too_large', `The file has ${data.byteLength} bytes, more than ${maxBytes}`);
  }
  return data;
}
