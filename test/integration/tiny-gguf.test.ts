import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, type Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyGguf } from '../fixtures/models/tiny-gguf.js';

let directory: string;
let llama: Llama;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-tiny-'));
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false });
});
afterAll(async () => {
  await llama.dispose();
  await rm(directory, { recursive: true, force: true });
});

const FAMILY = {
  name: 'A Family',
  template: '{{ messages[0].content }}',
  controls: ['<s>', '<|turn|>', '</s>'],
  marks: ['<think>'],
  contextLength: 512,
};

test.each(['F32', 'F16', 'Q8_0'] as const)('the library loads and runs one of %s', async (weights) => {
  const path = join(directory, `${weights}.gguf`);
  await writeTinyGguf(path, { ...FAMILY, weights });
  expect((await stat(path)).size).toBeLessThan(300_000);
  const model = await llama.loadModel({ modelPath: path });
  expect(model.trainContextSize).toBe(512);
  expect(model.fileInfo.metadata.general.name).toBe('A Family');
  expect(model.fileInfo.metadata.tokenizer?.chat_template).toBe(FAMILY.template);
  expect([model.tokens.bosString, model.tokens.eosString]).toEqual(['<s>', '</s>']);
  const context = await model.createContext({ contextSize: 256, threads: 1 });
  const made = [];
  for await (const token of context.getSequence().evaluate(model.tokenize('Hello, the World'))) {
    made.push(token);
    if (made.length === 8) break;
  }
  expect(made).toHaveLength(8);
  await model.dispose();
});

test('reads each of its marks as one token, and any other text as it is', async () => {
  const path = join(directory, 'marks.gguf');
  await writeTinyGguf(path, FAMILY);
  const model = await llama.loadModel({ modelPath: path });
  const tokens = model.tokenize('<s><|turn|><think>', true);
  expect(tokens).toEqual([0, 1, 3]);
  expect(tokens.map((token) => model.isSpecialToken(token))).toEqual([true, true, false]);
  // As text a control token is read in pieces; a user-defined one stays what it is.
  expect(model.tokenize('<|turn|>')).not.toContain(1);
  const text = 'Grüße, 你好\u0000 🙂\n\t{"a": "b\\n"}';
  expect(model.detokenize(model.tokenize(text))).toBe(text);
  await model.dispose();
});

test('the same model is the same bytes, another seed others', async () => {
  const [first, again, other] = ['first', 'again', 'other'].map((name) => join(directory, `${name}.gguf`));
  await writeTinyGguf(first as string, FAMILY);
  await writeTinyGguf(again as string, FAMILY);
  await writeTinyGguf(other as string, { ...FAMILY, seed: 2 });
  const [a, b, c] = await Promise.all([first, again, other].map((path) => readFile(path as string)));
  expect(a?.equals(b as Buffer)).toBe(true);
  expect(a?.equals(c as Buffer)).toBe(false);
});
