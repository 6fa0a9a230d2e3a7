import { open } from 'node:fs/promises';

/** The file with this text, which is on the disk when it resolves. `flags` as of `open`. */
export async function writeSynced(
  path: string,
  text: string,
  flags: 'w' | 'wx',
  mode: number,
): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
