import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoModelPath } from './demo-model.js';
import { listModels } from './local-models.js';
import { parseModelName } from './model-name.js';
import { makePlace } from './models-folder.js';
import { removeModel } from './remove-model.js';

let home: string;
let models: string;
let outside: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-models-'));
  models = join(home, 'models');
  outside = join(home, 'precious.gguf');
  await mkdir(models);
  await writeFile(outside, 'precious');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const remove = (name: string) => removeModel(parseModelName(name), models);

describe('removeModel', () => {
  it('removes all shards, what was fetched of them, and folders that are empty then', async () => {
    await mkdir(join(models, 'o', 'r'), { recursive: true });
    const names = ['m-00001-of-00002.gguf', 'm-00001-of-00002.gguf.json', 'm-00002-of-00002.gguf.part'];
    for (const name of names) await writeFile(join(models, 'o', 'r', name), '12345');
    await writeFile(join(models, 'other.gguf'), 'x');
    const removed = await remove('o/r/m-00002-of-00002.gguf');
    expect(removed.bytes).toBe(10);
    expect(existsSync(join(models, 'o'))).toBe(false);
    expect((await listModels(models)).map(({ name }) => name)).toEqual(['other.gguf']);
  });

  it.each(['../precious.gguf', 'o/../../precious.gguf', '/etc/x.gguf', '..', '.', 'x/..'])(
    'refuses %s, which is not inside',
    async (name) => {
      await expect(remove(name)).rejects.toMatchObject({
        code: expect.stringMatching(/protected|not_found/),
      });
      expect(await readFile(outside, 'utf8')).toBe('precious');
      expect(existsSync(models)).toBe(true);
    },
  );

  it('takes away a link and leaves what it points at', async () => {
    await symlink(outside, join(models, 'linked.gguf'));
    await remove('linked.gguf');
    expect(existsSync(join(models, 'linked.gguf'))).toBe(false);
    expect(await readFile(outside, 'utf8')).toBe('precious');
  });

  it('goes through no link to a folder', async () => {
    await symlink(home, join(models, 'way'));
    await expect(remove('way/precious.gguf')).rejects.toMatchObject({ code: 'protected' });
    expect(await readFile(outside, 'utf8')).toBe('precious');
  });

  it('removes no folder, whatever its name', async () => {
    await mkdir(join(models, 'folder.gguf'));
    await expect(remove('folder.gguf')).rejects.toMatchObject({ code: 'protected' });
  });

  it('never removes the demo model, by any name', async () => {
    await expect(remove('demo')).rejects.toMatchObject({ code: 'protected' });
    const installed = join(demoModelPath(), '..', '..');
    await expect(removeModel(parseModelName('demo/demo-agent.gguf'), installed)).rejects.toMatchObject({
      code: 'protected',
    });
    expect(existsSync(demoModelPath())).toBe(true);
  });

  it('says that there is none', async () => {
    await expect(remove('none.gguf')).rejects.toMatchObject({ code: 'not_found' });
    await expect(remove('hf:o/r')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the models folder', () => {
  it('may be a link, and has none on the way inside', async () => {
    const linked = join(home, 'linked-models');
    await symlink(models, linked);
    await expect(makePlace(linked, 'o/r/m.gguf')).resolves.toBe(join(linked, 'o/r/m.gguf'));
    await rm(join(models, 'o'), { recursive: true });
    await symlink(home, join(models, 'o'));
    await expect(makePlace(models, 'o/r/m.gguf')).rejects.toMatchObject({ code: 'protected' });
    expect(existsSync(join(home, 'r'))).toBe(false);
  });

  it('is listed without entering links to folders, and with files that are links', async () => {
    await symlink(home, join(models, 'loop'));
    await symlink(outside, join(models, 'linked.gguf'));
    await symlink(join(home, 'nothing'), join(models, 'dangling.gguf'));
    await writeFile(join(models, 'notes.txt'), '');
    expect((await listModels(models)).map(({ name, bytes }) => [name, bytes])).toEqual([['linked.gguf', 8]]);
    expect(await listModels(join(home, 'none'))).toEqual([]);
  });
});
