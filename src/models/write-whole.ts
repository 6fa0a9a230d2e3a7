import { open, rename } from 'node:fs/promises';

/** The file is there with all of its text or as it was before, also after the power failed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const staging = `${path}.new`;
  const file = await open(staging, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(staging, path);
}
