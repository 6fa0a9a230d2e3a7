import { mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomLlamaChunks, type RandomLlama } from '../../fixtures/models/random-llama.js';
import { printHeading } from '../measure.js';
import { measureStreams } from './streams.js';
import { readyStatus, withEngine } from './with-engine.js';

const FOLDER = join('.toolchain', 'bench');
/** An empty thought before the answer, as the demo model's template has it: the bare loop's prompt is written so. */
const TEMPLATE =
  "{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}{%- endfor -%}" +
  "{{- '<|im_start|>assistant\n<think>\n\n</think>\n\n' -}}";

const PLAN = [
  { streams: 1, tokens: 64, rounds: 4 },
  { streams: 2, tokens: 48, rounds: 3 },
  { streams: 4, tokens: 32, rounds: 3 },
  { streams: 8, tokens: 24, rounds: 3 },
] as const;

const RANDOM_300M: RandomLlama = {
  name: 'random-300m',
  template: TEMPLATE,
  controls: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  marks: [],
  bos: '<|endoftext|>',
  eos: '<|im_end|>',
  addBos: false,
  contextLength: 1024,
  seed: 300,
  weights: 'Q8_0',
  shape: { width: 1024, layers: 16, heads: 16, inner: 4096, vocabulary: 32_000 },
  values: {},
};

/** The engine's port on a model of 300 million random weights: there the demo model's overhead is lost in the work. */
export async function benchLargeEngine(): Promise<void> {
  const model = await largeModel();
  const home = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  try {
    await withEngine({ model, home, sequences: 8 }, async (engine) => {
      const { threads, contextSize } = readyStatus(engine.status());
      printHeading(`engine-large: ${model}, greedy, ${threads} thread(s), context ${contextSize}`);
      await measureStreams(engine, PLAN);
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Made once, some 320 MB; told on standard error as it grows. */
async function largeModel(): Promise<string> {
  const path = join(FOLDER, `${RANDOM_300M.name}-q8_0.gguf`);
  if (await isThere(path)) return path;
  await mkdir(FOLDER, { recursive: true });
  const part = await open(`${path}.part`, 'w');
  let [bytes, told] = [0, 0];
  for (const chunk of randomLlamaChunks(RANDOM_300M)) {
    await part.write(chunk);
    bytes += chunk.length;
    if (bytes - told < 32e6) continue;
    told = bytes;
    process.stderr.write(`\r${path}: ${Math.round(bytes / 1e6)} MB`);
  }
  await part.close();
  await rename(`${path}.part`, path);
  process.stderr.write('\n');
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
