import { readFile, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { writeWhole } from './write-whole.js';

/** Where a fetched file came from and what it must be; it lies beside the file. */
const receiptSchema = z.object({
  repository: z.string(),
  revision: z.string(),
  path: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  /** Whether the repository's bare name meant this model when it was fetched. */
  isDefault: z.boolean(),
  /** The same in all files of a model that were listed together. Earlier versions wrote none. */
  modelVersion: z.string().optional(),
  fetchedAt: z.string(),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** The receipt of a file that is there with the size it should have; undefined for every other file. */
export async function readReceipt(path: string): Promise<Receipt | undefined> {
  try {
    const receipt = receiptSchema.parse(JSON.parse(await readFile(receiptPath(path), 'utf8')));
    const { size } = await stat(path);
    return size === receipt.bytes ? receipt : undefined;
  } catch {
    return undefined;
  }
}

/** False for an update of which only some files have come, each of them whole. */
export function areOfOneVersion(receipts: readonly Receipt[]): boolean {
  return new Set(receipts.map(({ modelVersion }) => modelVersion)).size <= 1;
}

export function writeReceipt(path: string, receipt: Receipt): Promise<void> {
  return writeWhole(receiptPath(path), JSON.stringify(receipt, null, 2));
}

export async function removeReceipt(path: string): Promise<void> {
  await rm(receiptPath(path), { force: true });
}

function receiptPath(path: string): string {
  return `${path}.json`;
}
