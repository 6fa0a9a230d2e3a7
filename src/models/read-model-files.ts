import { open, stat } from 'node:fs/promises';
import { messageOf } from '../errors.js';
import { EndOfBytes } from './gguf-cursor.js';
import { ModelError } from './model-error.js';
import { type GgufHeader, isGguf, parseGgufHeader } from './parse-gguf-header.js';
import { areOfOneVersion, readReceipt } from './receipt.js';
import { allShards } from './shards.js';

export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
  readonly header: GgufHeader;
}

/** Where the whole header was not in the first piece, more is read. The largest headers of real models have 30 MiB. */
const PIECES = [1, 8, 64].map((mebibytes) => mebibytes * 1024 * 1024);
const DAMAGED_HINT = 'The file is damaged or was not downloaded to its end; get it again.';

/**
 * All files of the model that `path` belongs to, with their headers, the first one first. Rejects with ModelError
 * not_found, missing_shard or bad_file; the last also where an update brought some of its files only.
 */
export async function readModelFiles(path: string): Promise<readonly [ModelFile, ...ModelFile[]]> {
  const paths = allShards(path);
  const sizes = await Promise.all(paths.map(sizeOf));
  const missing = paths.filter((_, index) => sizes[index] === undefined);
  if (paths.length > 1 && missing.length > 0) {
    throw new ModelError(
      'missing_shard',
      `The model ${path} has ${paths.length} files, and of them ${missing.join(', ')} is missing.`,
      'All of them must lie in one folder.',
    );
  }
  const receipts = (await Promise.all(paths.map(readReceipt))).filter((receipt) => receipt !== undefined);
  if (!areOfOneVersion(receipts)) {
    throw new ModelError(
      'bad_file',
      `The files of ${path} are of different versions: an update was not fetched to its end.`,
      'Fetch the rest with gantry models pull.',
    );
  }
  const files: ModelFile[] = [];
  for (const each of paths) files.push(await readModelFile(each));
  const [first, ...rest] = files;
  if (first === undefined) throw new ModelError('not_found', `There is no ${path}.`);
  return [first, ...rest];
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await sizeOfRegularFile(path);
  const header = await readHeader(path, bytes);
  if (header.leastBytes > bytes) {
    throw new ModelError(
      'bad_file',
      `${path} ends at byte ${bytes}, and its tensors go on to ${header.leastBytes}.`,
      DAMAGED_HINT,
    );
  }
  return { path, bytes, header };
}

async function sizeOfRegularFile(path: string): Promise<number> {
  let stats;
  try {
    stats = await stat(path);
  } catch (error) {
    throw new ModelError(
      'not_found',
      `The model file ${path} cannot be read: ${messageOf(error)}`,
      'A model is "demo", the path of a GGUF file or its name in the models folder, or hf:owner/repo ' +
        '(the server takes it from MODEL).',
    );
  }
  if (stats.isFile()) return stats.size;
  throw new ModelError('bad_file', `${path} is not a file.`, 'Name the GGUF file inside that directory.');
}

async function readHeader(path: string, size: number): Promise<GgufHeader> {
  for (const piece of PIECES) {
    const bytes = await readStart(path, Math.min(piece, size));
    if (!isGguf(bytes)) {
      throw new ModelError(
        'bad_file',
        bytes.length === 0 ? `${path} is empty, so it is not a GGUF file.` : `${path} is not a GGUF file.`,
        'Only GGUF models can be run; safetensors and PyTorch files must be converted first.',
      );
    }
    try {
      return parseGgufHeader(bytes);
    } catch (error) {
      if (error instanceof EndOfBytes && piece < size) continue;
      const reason = error instanceof EndOfBytes ? 'it ends too early' : messageOf(error);
      throw new ModelError('bad_file', `The header of ${path} cannot be read: ${reason}.`, DAMAGED_HINT);
    }
  }
  throw new ModelError('bad_file', `The header of ${path} is larger than that of any model.`, DAMAGED_HINT);
}

async function readStart(path: string, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}
