import { stat } from 'node:fs/promises';
import { type Disk, REAL_DISK } from './disk.js';
import { type Download, downloadFile, partPath } from './download-file.js';
import type { HubAccess } from './hub-request.js';
import { listRepository } from './list-repository.js';
import { ModelError } from './model-error.js';
import { type HubName, repositoryFolder } from './model-name.js';
import { makePlace } from './models-folder.js';
import { keptBytes } from './part-file.js';
import type { PullEvent } from './pull-event.js';
import { readReceipt } from './receipt.js';
import { PATIENT, type RetryPolicy } from './retry.js';
import { TransferRate } from './transfer-rate.js';
import {
  chooseVariant,
  isDefaultVariant,
  type RepositoryFile,
  type Variant,
  variantsOf,
  versionOf,
} from './variants.js';
import { writeFailure } from './write-failure.js';

export interface PullOptions {
  readonly modelsDirectory: string;
  readonly hub: HubAccess;
  /** Stops the download and leaves what was fetched. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: PullEvent) => void;
  readonly retry?: RetryPolicy;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly idleMs?: number;
  readonly disk?: Disk;
}

export interface PulledModel {
  /** The file a loader is given: the first shard where there are several. */
  readonly path: string;
  readonly paths: readonly string[];
  readonly bytes: number;
}

const IDLE_MS = 30_000;
/** What must stay free beside the model, for state, logs and the file system itself. */
const SPARE_BYTES = 16 * 1024 * 1024;

/**
 * Brings a model of a hub to the models folder: all of its files, as the hub has them now. Files that are there are not
 * fetched again. Rejects with ModelError, or the signal's reason.
 */
export async function pullModel(name: HubName, options: PullOptions): Promise<PulledModel> {
  const { hub, signal = new AbortController().signal, onEvent = () => undefined, retry = PATIENT } = options;
  const { disk = REAL_DISK, idleMs = IDLE_MS } = options;
  const variants = variantsOf(await listRepository(name, { hub, signal, ...(options.retry && { retry }) }));
  const variant = chooseVariant(variants, name);
  const totalBytes = variant.files.reduce((sum, { bytes }) => sum + bytes, 0);
  onEvent({
    type: 'chosen',
    files: variant.files.map(({ path }) => path),
    quantization: variant.quantization,
    totalBytes,
  });
  const downloads = await plan(name, variant, isDefaultVariant(variants, variant), options);
  await checkSpace(downloads, options.modelsDirectory, disk);
  const rate = new TransferRate();
  let finishedBytes = 0;
  for (const download of downloads) {
    const onBytes = (bytes: number): void => {
      const doneBytes = finishedBytes + bytes;
      const bytesPerSecond = rate.measure(doneBytes);
      onEvent({ type: 'progress', file: download.receipt.path, doneBytes, totalBytes, bytesPerSecond });
    };
    await downloadFile(download, { hub, disk, retry, idleMs, signal, onEvent, onBytes });
    finishedBytes += download.receipt.bytes;
  }
  const paths = downloads.map(({ target }) => target);
  return { path: paths[0] ?? '', paths, bytes: totalBytes };
}

function plan(
  name: HubName,
  variant: Variant,
  isDefault: boolean,
  { hub, modelsDirectory }: PullOptions,
): Promise<readonly Download[]> {
  const { repository, revision } = name;
  const modelVersion = versionOf(variant);
  return Promise.all(
    variant.files.map(async ({ path, bytes, sha256 }) => ({
      url: fileUrl(hub, name, path),
      target: await place(modelsDirectory, `${repositoryFolder(name)}/${path}`),
      receipt: { repository, revision, path, bytes, isDefault, modelVersion },
      ...(sha256 === undefined ? {} : { sha256 }),
    })),
  );
}

async function place(modelsDirectory: string, path: string): Promise<string> {
  try {
    return await makePlace(modelsDirectory, path);
  } catch (error) {
    throw writeFailure(modelsDirectory, error);
  }
}

function fileUrl(
  { endpoint }: HubAccess,
  { repository, revision }: HubName,
  path: RepositoryFile['path'],
): string {
  const base = endpoint.replace(/\/+$/, '');
  const file = path.split('/').map(encodeURIComponent).join('/');
  return `${base}/${repository}/resolve/${encodeURIComponent(revision)}/${file}`;
}

async function checkSpace(downloads: readonly Download[], folder: string, disk: Disk): Promise<void> {
  const missing = await Promise.all(downloads.map(missingBytes));
  const needed = missing.reduce((sum, bytes) => sum + bytes, 0);
  if (needed === 0) return;
  const free = await disk.freeBytes(folder);
  if (needed + SPARE_BYTES <= free) return;
  throw new ModelError(
    'not_enough_space',
    `${mebibytes(needed)} MiB are to be fetched, and ${folder} has room for ${mebibytes(free)} MiB.`,
    'Make room, choose a smaller quantization, or let GANTRY_HOME be on a larger disk.',
  );
}

async function missingBytes({ target, receipt, sha256 }: Download): Promise<number> {
  const old = await readReceipt(target);
  if (old?.bytes === receipt.bytes && (sha256 === undefined || old.sha256 === sha256)) return 0;
  const part = partPath(target);
  const size = await stat(part).then(
    (stats) => stats.size,
    () => 0,
  );
  const content = { size: receipt.bytes, ...(sha256 === undefined ? {} : { sha256 }) };
  return receipt.bytes - (await keptBytes(part, content, size));
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
