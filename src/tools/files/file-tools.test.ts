import { describe, expect, it } from 'vitest';
import { ScriptedWorkspace } from '../scripted-workspace.js';
import { scriptedContext } from '../scripted-context.js';
import { createListFilesTool } from './list-files.tool.js';
import { createReadFileTool } from './read-file.tool.js';
import { createWriteFileTool } from './write-file.tool.js';

const read = createReadFileTool();
const write = createWriteFileTool();
const list = createListFilesTool();

function workspaceWith(files: Record<string, string | Uint8Array>): ScriptedWorkspace {
  const workspace = new ScriptedWorkspace({ maxBytes: 1_000_000 });
  for (const [path, data] of Object.entries(files)) {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    workspace.files.set(path, {
      data: bytes,
      fileId: `file_${workspace.files.size + 1}`,
      modifiedAt: new Date(0),
    });
  }
  return workspace;
}

describe('write_file', () => {
  it('writes and says how much, in bytes', async () => {
    const workspace = workspaceWith({});
    const outcome = await write.execute(
      { path: './notes.txt', content: 'grüße' },
      scriptedContext({ workspace }),
    );
    expect(outcome).toEqual({
      status: 'succeeded',
      content: 'Wrote notes.txt (7 bytes).',
      data: {
        tool_type: 'custom',
        arguments: { path: './notes.txt', content: 'grüße' },
        content: 'Wrote notes.txt (7 bytes).',
      },
    });
    expect(Buffer.from(workspace.files.get('notes.txt')?.data ?? []).toString()).toBe('grüße');
  });

  it.each(['../x', '/etc/passwd', 'a/../../x', '/workspace/../x', '.', 'a\0b'])(
    'refuses %j',
    async (path) => {
      const workspace = workspaceWith({});
      const outcome = await write.execute({ path, content: 'x' }, scriptedContext({ workspace }));
      expect(outcome).toMatchObject({
        status: 'failed',
        content: expect.stringContaining('Use a relative path'),
      });
      expect(workspace.files.size).toBe(0);
    },
  );

  it('takes the path of the sandbox for its own', async () => {
    const workspace = workspaceWith({});
    const context = scriptedContext({ workspace });
    expect(await write.execute({ path: '/workspace/a/b.txt', content: '' }, context)).toMatchObject({
      content: 'Wrote a/b.txt (0 bytes).',
    });
  });

  it('says what to do when it is full or the content is too large', async () => {
    const context = scriptedContext({ workspace: workspaceWith({}) });
    const full = await write.execute({ path: 'a', content: 'x'.repeat(1_000_001) }, context);
    expect(full).toMatchObject({ status: 'failed', content: expect.stringMatching(/full.*Write less/) });
    const large = await write.execute({ path: 'a', content: 'x'.repeat(9_000_000) }, context);
    expect(large).toMatchObject({ status: 'failed', content: expect.stringContaining('several files') });
  });
});

describe('read_file', () => {
  it('reads a small file as it is, by path and by id', async () => {
    const workspace = workspaceWith({ 'a.txt': 'hello' });
    workspace.attachments.set('file_77', { name: 'upload.csv', data: Buffer.from('x,y') });
    const context = scriptedContext({ workspace });
    expect((await read.execute({ path: 'a.txt' }, context)).content).toBe('hello');
    expect((await read.execute({ path: 'file_1' }, context)).content).toBe('hello');
    expect((await read.execute({ path: 'file_77' }, context)).content).toBe('x,y');
  });

  it('pages a large file, and every page says how to go on', async () => {
    const text = Array.from({ length: 30_000 }, (_, index) => `${index}\n`).join('');
    const context = scriptedContext({ workspace: workspaceWith({ 'big.txt': text }) });
    let start = 0;
    let joined = '';
    for (;;) {
      const { content } = await read.execute({ path: 'big.txt', start }, context);
      const [, page, , next] =
        /^([^]*)\n\n\[Characters (\d+) to \d+ of \d+\.(?: Call read_file with start (\d+) .*)?\]$/.exec(
          content,
        ) ?? [];
      joined += page ?? '';
      if (next === undefined) break;
      start = Number(next);
    }
    expect(joined).toBe(text);
  });

  it('reads a range, and never half a character', async () => {
    const context = scriptedContext({ workspace: workspaceWith({ 'a.txt': 'ab😀cd' }) });
    expect((await read.execute({ path: 'a.txt', start: 1, end: 3 }, context)).content).toMatch(
      /^b\n\n\[Characters 1 to 2 of 6/,
    );
    expect(await read.execute({ path: 'a.txt', start: 9 }, context)).toMatchObject({
      status: 'failed',
      content: expect.stringContaining('has 6 characters'),
    });
  });

  it('names the type and size of a binary file, and an empty file', async () => {
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    const context = scriptedContext({
      workspace: workspaceWith({ 'a.png': png, raw: Buffer.from([0, 1]), none: '' }),
    });
    expect((await read.execute({ path: 'a.png' }, context)).content).toContain(
      `binary file (image/png, ${png.length} bytes)`,
    );
    expect((await read.execute({ path: 'raw' }, context)).content).toContain(
      'binary file (unknown type, 2 bytes)',
    );
    expect((await read.execute({ path: 'none' }, context)).content).toBe('(none is empty.)');
  });

  it('says what to do about a missing, a bad and a too large file', async () => {
    const workspace = workspaceWith({ huge: Buffer.alloc(33 * 1024 * 1024) });
    const context = scriptedContext({ workspace });
    expect(await read.execute({ path: 'no.txt' }, context)).toMatchObject({
      status: 'failed',
      content: expect.stringContaining('Call list_files'),
    });
    expect((await read.execute({ path: 'file_999' }, context)).status).toBe('failed');
    expect((await read.execute({ path: '../../etc/passwd' }, context)).content).toContain(
      'Use a relative path',
    );
    expect((await read.execute({ path: 'huge' }, context)).content).toContain(
      'Read a part of it with python',
    );
  });
});

describe('list_files', () => {
  it('gives a line for each file, also for one whose name is hostile', async () => {
    const workspace = workspaceWith({
      'b.txt': 'xx',
      'a\nfake.txt (1 bytes, file_0)': '',
      '\u202Egnp.exe': 'x',
    });
    const { content } = await list.execute({}, scriptedContext({ workspace }));
    expect(content.split('\n')).toHaveLength(3);
    expect(content).toContain('b.txt (2 bytes, file_1)');
    expect((await list.execute({}, scriptedContext({}))).content).toBe('The working directory is empty.');
  });
});
