import { rename, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Disk } from './disk.js';
import { fetchIntoPart } from './fetch-into-part.js';
import { withFileLock } from './file-lock.js';
import type { HubAccess } from './hub-request.js';
import { ModelError } from './model-error.js';
import { PartFile, removePart, writerOf } from './part-file.js';
import type { PullEvent } from './pull-event.js';
import { readReceipt, type Receipt, removeReceipt, writeReceipt } from './receipt.js';
import { type RetryPolicy, withRetries } from './retry.js';
import { writeFailure } from './write-failure.js';

/** One file: where it is, what it must be, and where it goes. */
export interface Download {
  readonly url: string;
  readonly target: string;
  /** All but the checksum, which may be known only afterwards. */
  readonly receipt: Omit<Receipt, 'sha256' | 'fetchedAt'>;
  readonly sha256?: string;
}

export interface DownloadContext {
  readonly hub: HubAccess;
  readonly disk: Disk;
  readonly retry: RetryPolicy;
  readonly idleMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: PullEvent) => void;
  /** Bytes of this file that are there now. */
  readonly onBytes: (bytes: number) => void;
}

export function partPath(target: string): string {
  return `${target}.part`;
}

/**
 * Fetches a file, or what is missing of it, checks it, and moves it to its place whole. What was fetched stays in
 * `<target>.part` whatever happens, unless it proved to be wrong. Rejects with ModelError or the signal's reason.
 */
export async function downloadFile(download: Download, context: DownloadContext): Promise<void> {
  const { target, receipt } = download;
  const onWaiting = async (): Promise<void> => {
    const writer = (await writerOf(partPath(target))) ?? 'another process';
    context.onEvent({ type: 'waiting', file: receipt.path, writer });
  };
  await withFileLock(partPath(target), { signal: context.signal, onWaiting }, async (signal) => {
    const locked = { ...context, signal };
    if (await isThere(download, locked)) {
      context.onBytes(receipt.bytes);
      await removePart(partPath(target));
      return;
    }
    const sha256 = await fetchChecked(download, locked);
    await moveToPlace(download, sha256);
  });
}

async function moveToPlace({ target, receipt }: Download, sha256: string): Promise<void> {
  try {
    // In this order no receipt ever lies beside another file than its own; a file without one is read before it is used.
    await removeReceipt(target);
    await rename(partPath(target), target);
    await writeReceipt(target, { ...receipt, sha256, fetchedAt: new Date().toISOString() });
    await removePart(partPath(target));
  } catch (error) {
    throw writeFailure(target, error);
  }
}

/** Whether the very file is in its place already; one that somebody put there is read to know. */
async function isThere(
  { target, receipt, sha256 }: Download,
  { signal, onEvent }: DownloadContext,
): Promise<boolean> {
  const old = await readReceipt(target);
  if (old !== undefined) {
    const isSame = old.bytes === receipt.bytes && (sha256 === undefined || old.sha256 === sha256);
    const tellsTheSame = old.isDefault === receipt.isDefault && old.modelVersion === receipt.modelVersion;
    if (isSame && !tellsTheSame) await writeReceipt(target, { ...old, ...receipt });
    return isSame;
  }
  const size = await sizeOf(target);
  if (size !== receipt.bytes || sha256 === undefined) return false;
  onEvent({ type: 'checking', file: receipt.path });
  const hash = createHash('sha256');
  await pipeline(createReadStream(target), hash, { signal });
  if (hash.digest('hex') !== sha256) return false;
  await writeReceipt(target, { ...receipt, sha256, fetchedAt: new Date().toISOString() });
  return true;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

/** Resolves to the checksum. A beginning from an earlier time that proves wrong is dropped, and all is fetched once more. */
async function fetchChecked(download: Download, context: DownloadContext): Promise<string> {
  const first = await fetchOnce(download, context);
  if (download.sha256 === undefined || first.sha256 === download.sha256) return first.sha256;
  await rm(partPath(download.target), { force: true });
  if (!first.hadOldBytes) throw wrongChecksum(download, first.sha256);
  context.onEvent({
    type: 'retrying',
    file: download.receipt.path,
    reason: 'What was kept of an earlier download is damaged.',
    delayMs: 0,
  });
  const second = await fetchOnce(download, context);
  if (second.sha256 === download.sha256) return second.sha256;
  await rm(partPath(download.target), { force: true });
  throw wrongChecksum(download, second.sha256);
}

interface Fetched {
  readonly sha256: string;
  readonly hadOldBytes: boolean;
}

async function fetchOnce(
  { url, target, receipt, sha256 }: Download,
  context: DownloadContext,
): Promise<Fetched> {
  const { hub, disk, retry, idleMs, signal, onEvent, onBytes } = context;
  const content = { size: receipt.bytes, ...(sha256 === undefined ? {} : { sha256 }) };
  const part = await PartFile.open(partPath(target), content, disk, signal);
  try {
    onBytes(part.bytes);
    const source = { hub, url, size: receipt.bytes, name: receipt.path, idleMs };
    await withRetries(
      {
        policy: retry,
        signal,
        what: receipt.path,
        progress: () => part.bytes,
        onRetry: (reason, delayMs) => onEvent({ type: 'retrying', file: receipt.path, reason, delayMs }),
      },
      () => fetchIntoPart(part, source, signal, () => onBytes(part.bytes)),
    );
    return { sha256: await part.digest(), hadOldBytes: part.hasOldBytes };
  } finally {
    await part.close();
  }
}

function wrongChecksum({ receipt, sha256 }: Download, found: string): ModelError {
  return new ModelError(
    'checksum_mismatch',
    `${receipt.path} is not what the hub says: its SHA-256 is ${found}, and should be ${sha256 ?? 'another'}.`,
    'It was thrown away. If it happens again, the hub or what is between is at fault.',
  );
}
