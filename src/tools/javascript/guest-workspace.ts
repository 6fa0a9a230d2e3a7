import type { GuestFiles } from '../../sandbox/isolate/isolate-result.js';
import type { Workspace } from '../tool.js';
import { workspacePath } from '../files/workspace-path.js';

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_LISTED = 10_000;

/** The session's working directory, as JavaScript code sees it. */
export function guestFilesOf(workspace: Workspace): GuestFiles {
  return {
    async read(path) {
      const data = await workspace.read(workspacePath(path), MAX_FILE_BYTES);
      if (!data) throw new Error(`There is no file "${path}". listFiles() tells which there are.`);
      return data;
    },
    write: (path, data) => Promise.resolve().then(() => workspace.write(workspacePath(path), data)),
    async list() {
      const files = await workspace.list();
      return files.slice(0, MAX_LISTED).map(({ path, bytes }) => ({ path, bytes }));
    },
  };
}
