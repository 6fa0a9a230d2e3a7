import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} name
 * @param {{ programFolders: readonly string[] }} machine
 * @returns {string | undefined} its path
 */
export function findProgram(name, { programFolders }) {
  return programFolders.map((folder) => join(folder, name)).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
