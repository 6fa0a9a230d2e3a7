import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Opens the person's editor on a text and resolves with what was saved; undefined if the editor failed. */
export async function editText(editor: string, text: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-edit-'));
  try {
    const path = join(folder, 'arguments.json');
    await writeFile(path, text, { mode: 0o600 });
    // $EDITOR may hold options, so a shell splits it, as git does.
    const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0 ? await readFile(path, 'utf8') : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
