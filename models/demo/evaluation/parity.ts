import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { z } from 'zod';
import { loadOnOneCore } from './load-on-one-core.js';

const tokens = z.array(z.number().int());

/** What `python3 -m training.reference` writes. */
const referenceSchema = z.object({
  texts: z.array(z.object({ text: z.string(), ids: tokens })).min(1),
  prompts: z.array(z.object({ ids: tokens, greedy: tokens })).min(1),
});

export const REFERENCE = fileURLToPath(new URL('./reference.json', import.meta.url));

export interface Parity {
  readonly texts: number;
  /** Texts that the GGUF's tokenizer cuts otherwise. */
  readonly otherTexts: readonly string[];
  readonly prompts: number;
  readonly otherContinuations: number;
}

/** Compares a GGUF in node-llama-cpp with the reference implementation, token by token. */
export async function compareWithReference(modelPath: string, referencePath: string): Promise<Parity> {
  const { texts, prompts } = referenceSchema.parse(JSON.parse(readFileSync(referencePath, 'utf8')));
  await using loaded = await loadOnOneCore(modelPath);
  const { model, sequence } = loaded;
  const otherTexts = texts
    .filter(({ text, ids }) => !isSame(model.tokenize(text, true), ids))
    .map(({ text }) => text);
  let otherContinuations = 0;
  for (const { ids, greedy: wanted } of prompts) {
    if (!isSame(await greedy(sequence, ids as Token[], wanted.length), wanted)) otherContinuations += 1;
  }
  return { texts: texts.length, otherTexts, prompts: prompts.length, otherContinuations };
}

async function greedy(sequence: LlamaContextSequence, ids: Token[], length: number): Promise<number[]> {
  await sequence.clearHistory();
  const made: number[] = [];
  for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    made.push(token);
    if (made.length >= length) break;
  }
  return made;
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
