import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { GgufFileType } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoModelPath } from './demo-model.js';
import { FILE_TYPES } from './ggml-types.js';
import { BadHeader, EndOfBytes } from './gguf-cursor.js';
import { ggufBytes, ggufStart, text, u32, u64 } from './gguf.fixture.js';
import { modelFacts } from './model-facts.js';
import { parseGgufHeader } from './parse-gguf-header.js';
import { readModelFiles } from './read-model-files.js';

const VALUES = {
  'general.architecture': 'llama',
  'general.name': 'Tiny',
  'llama.context_length': 4096,
  'llama.block_count': 2,
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.tokens': ['a', 'b', 'c'],
  'tokenizer.ggml.scores': [1, 2, 3],
  'tokenizer.chat_template':
    '{% for m in messages %}<|im_start|>{% endfor %}{% if tools %}<tool_call>{% endif %}',
};
const TENSORS = [{ name: 'w', dimensions: [256, 2], type: 12 }];
const WHOLE = ggufBytes({ values: VALUES, tensors: TENSORS, dataBytes: 288 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-gguf-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(name: string, content: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('the facts of a file', () => {
  it('are read from its header', async () => {
    const facts = modelFacts(await readModelFiles(await fileOf('tiny.gguf', WHOLE)));
    expect(facts).toMatchObject({
      title: 'Tiny',
      architecture: 'llama',
      quantization: 'Q4_K',
      parameters: 512,
      bytes: WHOLE.length,
      contextLength: 4096,
      layers: 2,
      tokenizer: 'gpt2',
      vocabularySize: 3,
      template: { family: 'qwen', tools: true, thoughts: false },
    });
  });

  it('of the demo model are those on its card', async () => {
    const facts = modelFacts(await readModelFiles(demoModelPath()));
    expect(facts).toMatchObject({
      architecture: 'llama',
      quantization: 'F16',
      contextLength: 2048,
      vocabularySize: 1024,
    });
    expect(facts.template?.tools).toBe(true);
  });

  it('of shards are added up, and a missing one is named', async () => {
    const first = await fileOf('s-00001-of-00002.gguf', WHOLE);
    await expect(readModelFiles(first)).rejects.toMatchObject({
      code: 'missing_shard',
      message: expect.stringContaining('s-00002-of-00002.gguf is missing'),
    });
    const second = await fileOf('s-00002-of-00002.gguf', ggufBytes({ tensors: TENSORS, dataBytes: 288 }));
    expect(modelFacts(await readModelFiles(second))).toMatchObject({
      files: 2,
      parameters: 1024,
      title: 'Tiny',
    });
  });

  it('call quantizations what llama.cpp calls them', () => {
    for (const [number, name] of FILE_TYPES) {
      expect(GgufFileType[number]?.replace(/^(ALL|MOSTLY)_/, '')).toBe(name);
    }
  });
});

describe('a file that is no model', () => {
  it.each<[string, Buffer, RegExp]>([
    ['empty', Buffer.alloc(0), /is empty/],
    ['other', Buffer.from('PK\u0003\u0004 this is a zip'), /is not a GGUF file/],
    ['version', ggufBytes({ version: 9 }), /version 9/],
    ['big-endian', Buffer.from('GGUF\0\0\0\u0003'), /version 50331648/],
    ['cut', WHOLE.subarray(0, 100), /ends too early/],
    ['cut-data', WHOLE.subarray(0, WHOLE.length - 1), /its tensors go on to/],
    ['keys', ggufStart(2 ** 40, Buffer.alloc(0)), /1099511627776 keys/],
    ['text', ggufStart(1, Buffer.concat([u64(2 ** 30), Buffer.alloc(64)])), /a text of 1073741824 bytes/],
    [
      'huge',
      ggufStart(1, Buffer.concat([u64(2n ** 63n), Buffer.alloc(64)])),
      /a count of 9223372036854775808/,
    ],
    ['type', ggufStart(1, Buffer.concat([text('k'), u32(99)])), /a value of type 99/],
    ['items', ggufStart(1, Buffer.concat([text('k'), u32(9), u32(8), u64(2 ** 40)])), /list items/],
    ['twice', ggufStart(2, Buffer.alloc(64)), /a key twice/],
    [
      'nested',
      ggufStart(
        1,
        Buffer.concat([
          text('k'),
          u32(9),
          ...Array.from({ length: 9 }, () => Buffer.concat([u32(9), u64(1)])),
        ]),
      ),
      /lists in lists/,
    ],
  ])('%s is refused with the reason', async (name, content, reason) => {
    await expect(readModelFiles(await fileOf(`${name}.gguf`, content))).rejects.toMatchObject({
      code: 'bad_file',
      message: expect.stringMatching(reason),
    });
  });

  it('a header that does not end is given up, and not kept in memory', async () => {
    const path = await fileOf(
      'sparse.gguf',
      ggufStart(2, Buffer.concat([text('k'), u32(9), u32(8), u64(16_000_000)])),
    );
    const file = await open(path, 'r+');
    await file.truncate(20 * 1024 ** 3);
    await file.close();
    const before = process.memoryUsage().rss;
    await expect(readModelFiles(path)).rejects.toMatchObject({
      code: 'bad_file',
      message: expect.stringContaining('larger than that of any model'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1024 ** 2);
  });

  it('whatever its bytes are, ends in one of two errors', () => {
    fc.assert(
      fc.property(fc.nat(WHOLE.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, bytes) => {
        const damaged = Buffer.from(WHOLE);
        damaged.set(bytes.subarray(0, damaged.length - at), at);
        try {
          parseGgufHeader(damaged);
        } catch (error) {
          expect(error instanceof BadHeader || error instanceof EndOfBytes).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
