import { constants } from 'node:fs';
import { open, statfs, type FileHandle } from 'node:fs/promises';

/** What a download asks of the disk; a test's disk can be full. */
export interface Disk {
  /** Bytes that an ordinary account may still write to the file system of `folder`. */
  freeBytes(folder: string): Promise<number>;
  /** Opens for reading and writing, makes the file where there is none, and never through a link. */
  openPart(path: string): Promise<PartHandle>;
}

export type PartHandle = Pick<FileHandle, 'read' | 'write' | 'truncate' | 'sync' | 'stat' | 'close'>;

const PART_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export const REAL_DISK: Disk = {
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  openPart: (path) => open(path, PART_FLAGS, 0o644),
};
