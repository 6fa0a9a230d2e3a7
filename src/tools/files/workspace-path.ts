import { DomainError } from '../../errors.js';

/**
 * A path as models write it ("./a.txt", "/workspace/a.txt") in the workspace's form. Throws `invalid_request`
 * for one that leads out of the working directory.
 */
export function workspacePath(path: string): string {
  const relative = path.replace(/^\/workspace\//, '');
  const parts = relative.split('/').filter((part) => part !== '.' && part !== '');
  const leadsOut = relative.startsWith('/') || parts.includes('..') || relative.includes('\0');
  if (leadsOut || parts.length === 0) {
    throw new DomainError(
      'invalid_request',
      `"${path}" is not a path inside the working directory. Use a relative path such as "notes.txt" or "data/table.csv".`,
    );
  }
  return parts.join('/');
}
