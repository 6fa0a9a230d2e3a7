import type { LlamaContextSequence, Token } from 'node-llama-cpp';

/**
 * On a CPU, llama.cpp takes three to four times as long for each token of a batch shorter than this (measured): a smaller
 * chunk would take as long, and the prompt longer.
 */
const EFFICIENT_BATCH = 64;
/** A chunk is as long as a stop may have to wait for it, where that is not too short. */
const TARGET_MS = 40;

/**
 * Evaluates all tokens but the last in small steps, since a step cannot be stopped once begun:
 * a stop, and the tokens of others, wait for one step and not for the prompt. Resolves to the
 * number of tokens that the sequence already held. Rejects with the signal's reason.
 */
export async function prefill(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  largestChunk: number,
  signal: AbortSignal,
): Promise<number> {
  const wanted = tokens.slice(0, -1);
  await sequence.adaptStateToTokens(wanted, false);
  const cached = sequence.nextTokenIndex;
  const smallest = Math.min(EFFICIENT_BATCH, largestChunk);
  let chunk = smallest;
  let at = cached;
  while (at < wanted.length) {
    signal.throwIfAborted();
    const started = performance.now();
    const step = stepLength(wanted.length - at, chunk, largestChunk);
    await sequence.evaluateWithoutGeneratingNewTokens(wanted.slice(at, at + step));
    at += step;
    const elapsed = performance.now() - started;
    if (elapsed < TARGET_MS / 2) chunk = Math.min(largestChunk, chunk * 2);
    else if (elapsed > TARGET_MS) chunk = Math.max(smallest, Math.floor(chunk / 2));
  }
  signal.throwIfAborted();
  return cached;
}

/** `chunk` tokens, or as many more or fewer as it takes not to leave a short and therefore slow rest. */
export function stepLength(remaining: number, chunk: number, largestChunk: number): number {
  const rest = remaining - chunk;
  const shortestRest = Math.min(EFFICIENT_BATCH, chunk);
  if (rest <= 0) return remaining;
  if (rest >= shortestRest) return chunk;
  return remaining <= largestChunk ? remaining : remaining - shortestRest;
}
