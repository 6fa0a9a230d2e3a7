import type { LlamaContextSequence, Token } from 'node-llama-cpp';

const FIRST_CHUNK = 64;
const SMALLEST_CHUNK = 16;
/** A chunk is as long as a stop may have to wait for it. */
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
  let chunk = Math.min(FIRST_CHUNK, largestChunk);
  let at = cached;
  while (at < wanted.length) {
    signal.throwIfAborted();
    const started = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(wanted.slice(at, at + chunk));
    at += chunk;
    const elapsed = performance.now() - started;
    if (elapsed < TARGET_MS / 2) chunk = Math.min(largestChunk, chunk * 2);
    else if (elapsed > TARGET_MS) chunk = Math.max(SMALLEST_CHUNK, Math.floor(chunk / 2));
  }
  signal.throwIfAborted();
  return cached;
}
