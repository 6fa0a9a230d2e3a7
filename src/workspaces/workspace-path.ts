import { DomainError } from '../errors.js';

const MAX_PATH_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;

/** Folders and files that tools leave behind and nobody asked for. */
const NOISE_FOLDERS = new Set(['__pycache__', 'node_modules']);
const NOISE_ENDINGS = ['.pyc', '.pyo'];

export type PathCheck =
  { readonly ok: true; readonly path: string } | { readonly ok: false; readonly problem: string };

/**
 * A path in a working directory: relative, `/`-separated, of non-empty segments other than `..`. `.` and
 * doubled slashes are taken out; beyond that names are data, in any script.
 */
export function checkWorkspacePath(input: string): PathCheck {
  if (!input.isWellFormed()) return { ok: false, problem: 'is not valid text' };
  if (input.includes('\0')) return { ok: false, problem: 'contains a NUL character' };
  if (input.startsWith('/'))
    return { ok: false, problem: 'is absolute; give it relative to the working directory' };
  const segments = input.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.length === 0 || input.endsWith('/')) return { ok: false, problem: 'names no file' };
  if (segments.includes('..')) return { ok: false, problem: 'leads out of the working directory' };
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    return { ok: false, problem: `has a name longer than ${MAX_SEGMENT_BYTES} bytes` };
  }
  const path = segments.join('/');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    return { ok: false, problem: `is longer than ${MAX_PATH_BYTES} bytes` };
  return { ok: true, path };
}

/** As `checkWorkspacePath`, rejecting with `invalid_request`. */
export function requireWorkspacePath(input: string): string {
  const check = checkWorkspacePath(input);
  if (check.ok) return check.path;
  const shown = JSON.stringify(input.toWellFormed().slice(0, 100));
  throw new DomainError('invalid_request', `The path ${shown} ${check.problem}.`, {
    reason: 'invalid_path',
    param: 'path',
  });
}

/** True for caches and compiled files, which a working directory is not kept for. */
export function isNoise(path: string): boolean {
  const segments = path.split('/');
  const folders = segments.slice(0, -1);
  if (folders.some((folder) => folder.startsWith('.') || NOISE_FOLDERS.has(folder))) return true;
  return NOISE_ENDINGS.some((ending) => path.endsWith(ending));
}
