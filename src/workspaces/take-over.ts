import { DomainError, messageOf } from '../errors.js';
import type { FileObject } from '../events/event.js';
import { missingFile, type FileSource } from '../files/file-object.js';
import type { FileFacts, FileService } from '../files/file.service.js';
import type { StoredFile } from '../files/file.entity.js';
import type { FileChange, FileStat, Sandbox } from '../sandbox/sandbox.js';
import type { ManifestEntry, ManifestUpsert } from './manifest.repository.js';
import { patiently } from './patiently.js';
import { checkWorkspacePath, isNoise } from './workspace-path.js';

/** More files than this are not taken over from one call. */
export const MAX_FILES_PER_CALL = 256;

/** A stored file and its place in the tree. */
export interface StoredAt {
  readonly path: string;
  readonly file: StoredFile;
  readonly executable: boolean;
}

export interface TakeOver {
  /** Files that are new or have new content, stored, not yet in the manifest. */
  readonly stored: readonly StoredAt[];
  /** Changed files whose content is what the manifest has: nothing to store. As they are now. */
  readonly unchanged: readonly ManifestEntry[];
  readonly deletions: readonly string[];
  /** What could not be taken over, as error placeholders. */
  readonly missing: readonly FileObject[];
}

export interface TakeOverInput {
  readonly sandbox: Sandbox;
  readonly changes: readonly FileChange[];
  /** By path, as the tree was before the call. */
  readonly before: ReadonlyMap<string, ManifestEntry>;
  readonly facts: Omit<FileFacts, 'name' | 'purpose'> & { readonly source: FileSource };
  readonly maxFileBytes: number;
}

/**
 * Reads what a call changed out of its sandbox and stores it. A file that cannot be taken becomes a
 * placeholder, never a failure. Noise is left out, unless the tree had that path already.
 */
export async function takeOver(files: FileService, input: TakeOverInput): Promise<TakeOver> {
  const { facts, before } = input;
  const stored: StoredAt[] = [];
  const unchanged: ManifestEntry[] = [];
  const missing: FileObject[] = [];
  const { candidates, deletions, unusable } = sortChanges(input);
  for (const { path, problem } of unusable) {
    const message = `The file's name ${problem}.`;
    missing.push(missingFile(path, { code: 'unreadable', message }, facts.source));
  }
  for (const stat of candidates.slice(0, MAX_FILES_PER_CALL)) {
    const result = await takeOne(files, input, stat);
    const { path, executable } = stat;
    if (result.kind === 'stored') stored.push({ path, file: result.file, executable });
    else if (result.kind === 'missing') missing.push(result.placeholder);
    else unchanged.push(...[before.get(path) ?? []].flat().map((entry) => ({ ...entry, executable })));
  }
  const rest = candidates.length - MAX_FILES_PER_CALL;
  if (rest > 0) missing.push(tooMany(rest, facts.source));
  return { stored, unchanged, deletions, missing };
}

/** What of it the tree does not say yet. */
export function upsertsOf(
  { stored, unchanged }: TakeOver,
  before: TakeOverInput['before'],
): ManifestUpsert[] {
  return [
    ...stored.map(({ path, file, executable }) => ({ path, fileId: file.id, executable })),
    ...unchanged.filter((entry) => before.get(entry.path)?.executable !== entry.executable),
  ];
}

function sortChanges({ changes, before }: TakeOverInput) {
  const candidates: FileStat[] = [];
  const deletions: string[] = [];
  const unusable: { path: string; problem: string }[] = [];
  for (const change of changes) {
    const check = checkWorkspacePath(change.path);
    const usable = check.ok && check.path === change.path;
    if (change.change === 'deleted') {
      if (before.has(change.path)) deletions.push(change.path);
    } else if (!usable) {
      unusable.push({ path: change.path, problem: check.ok ? 'is not in its simplest form' : check.problem });
    } else if (before.has(change.path) || !isNoise(change.path)) candidates.push(change);
  }
  // A sandbox under attack may name a file twice, or in any number of unusable ways.
  const byPath = new Map(candidates.map((stat) => [stat.path, stat]));
  return { candidates: [...byPath.values()], deletions, unusable: unusable.slice(0, MAX_FILES_PER_CALL) };
}

type Taken =
  | { readonly kind: 'stored'; readonly file: StoredFile }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'missing'; readonly placeholder: FileObject };

async function takeOne(files: FileService, input: TakeOverInput, stat: FileStat): Promise<Taken> {
  const { sandbox, facts, maxFileBytes, before } = input;
  if (stat.bytes > maxFileBytes) {
    return missing(stat, facts.source, 'too_large', `The file is larger than ${maxFileBytes} bytes.`);
  }
  try {
    const known = before.get(stat.path)?.sha256;
    const input = { ...facts, name: stat.path, purpose: 'agent_output', maxBytes: maxFileBytes };
    const file = await patiently(() =>
      files.storeChanged({ ...input, content: readOut(sandbox, stat.path, maxFileBytes) }, known),
    );
    return file === undefined ? { kind: 'unchanged' } : { kind: 'stored', file };
  } catch (error) {
    if (error instanceof DomainError && (error.code === 'too_large' || error.code === 'storage_full')) {
      return missing(stat, facts.source, error.code, error.message);
    }
    const why = error instanceof DomainError ? error.message : 'the server failed to store it';
    return missing(stat, facts.source, 'unreadable', `The file could not be kept: ${why}`);
  }
}

/** The sandbox's failures are final here, whatever they look like; only the database's are worth a repetition. */
async function* readOut(sandbox: Sandbox, path: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  try {
    yield* sandbox.read(path, maxBytes);
  } catch (error) {
    const code = error instanceof DomainError ? error.code : 'unavailable';
    throw new DomainError(code, messageOf(error), { reason: 'sandbox_read_failed' });
  }
}

function missing(
  stat: FileStat,
  source: FileSource,
  code: 'too_large' | 'storage_full' | 'unreadable',
  message: string,
): Taken {
  return {
    kind: 'missing',
    placeholder: missingFile(stat.path, { code, message, bytes: stat.bytes }, source),
  };
}

function tooMany(count: number, source: FileSource): FileObject {
  const message = `The call changed ${count} more files than the ${MAX_FILES_PER_CALL} that are kept of one call.`;
  return missingFile(`${count} more files`, { code: 'too_many_files', message }, source);
}
