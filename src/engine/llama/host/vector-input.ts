import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { VectorsRefused } from './vectors-refused.js';

/** No token of any tokenizer stands for more characters than this. */
const LONGEST_TOKEN = 512;

/** Which of the request's texts it is, for a message. */
export type InputName = (index: number) => string;

/** The tokens of each text, with time for others in between. Rejects with VectorsRefused or the signal's reason. */
export async function tokenized(
  model: LlamaModel,
  texts: readonly string[],
  nameOf: InputName,
  signal: AbortSignal,
): Promise<Token[][]> {
  const all: Token[][] = [];
  for (const [index, text] of texts.entries()) {
    if (text.length > model.trainContextSize * LONGEST_TOKEN) {
      throw new VectorsRefused(
        'context_overflow',
        `${nameOf(index)} has ${text.length} characters; the model takes ${model.trainContextSize} tokens at most.`,
      );
    }
    all.push(model.tokenize(text, false));
    await nextTurn();
    signal.throwIfAborted();
  }
  return all;
}

/** Throws VectorsRefused for an id that the model has no token for. */
export function checkTokenIds(
  lists: readonly (readonly number[])[],
  vocabularySize: number,
  nameOf: InputName,
): void {
  for (const [index, ids] of lists.entries()) {
    const unknown = ids.find((id) => id < 0 || id >= vocabularySize);
    if (unknown === undefined) continue;
    throw new VectorsRefused(
      'invalid_request',
      `${nameOf(index)} has the token ${unknown}; the model's tokens go from 0 to ${vocabularySize - 1}.`,
    );
  }
}

/** Throws VectorsRefused with both counts. */
export function checkLengths(lengths: readonly number[], longest: number, nameOf: InputName): void {
  const index = lengths.findIndex((length) => length > longest);
  if (index === -1) return;
  throw new VectorsRefused(
    'context_overflow',
    `${nameOf(index)} takes ${lengths[index]} tokens; the model takes ${longest} at most.`,
  );
}
