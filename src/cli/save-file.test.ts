import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { safeFileName } from './safe-file-name.js';
import { saveFile } from './save-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-save-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function filesWith(content: string) {
  return { content: async () => new Blob([content]).stream() };
}

describe('safeFileName', () => {
  test.each([
    ['plot.png', 'plot.png'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\system.ini', 'system.ini'],
    ['..', 'file'],
    ['', 'file'],
    ['.bashrc', 'bashrc'],
    ['-rf', 'rf'],
    ['con.txt', '_con.txt'],
    ['a\nb.txt', 'a_nb.txt'],
    ['evil\u001B[2J.txt', 'evil_x1b[2J.txt'],
  ])('%j becomes %j', (name, expected) => {
    expect(safeFileName(name)).toBe(expected);
  });

  test('any name stays in its folder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        expect(dirname(join('/folder', safe))).toBe('/folder');
        expect(basename(safe)).toBe(safe);
        expect(safe).not.toMatch(/^[.-]/);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe('saveFile', () => {
  test('overwrites nothing and saves the same content once', async () => {
    const file = { id: 'file_1', name: 'plot.png' };
    expect(await saveFile(filesWith('one'), file, folder)).toBe(join(folder, 'plot.png'));
    expect(await saveFile(filesWith('two'), file, folder)).toBe(join(folder, 'plot (2).png'));
    expect(await saveFile(filesWith('one'), file, folder)).toBe(join(folder, 'plot.png'));
    expect((await readdir(folder)).length).toBe(2);
  });

  test('does not write through a link', async () => {
    const victim = join(folder, 'victim');
    await writeFile(victim, 'precious');
    await symlink(victim, join(folder, 'notes.txt'));
    const path = await saveFile(filesWith('evil'), { id: 'file_1', name: 'notes.txt' }, folder);
    expect(basename(path)).toBe('notes (2).txt');
    expect(await readFile(victim, 'utf8')).toBe('precious');
  });
});
