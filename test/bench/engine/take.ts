import type { Engine, GenerateRequest, ReceivedMessage, Usage } from '../../../src/engine/engine.js';

const never = new AbortController().signal;

/** One turn, and when things came. Milliseconds of `performance.now()`. */
export interface Taken {
  readonly firstAt: number;
  /** Between two pieces of text, the longest. */
  readonly longestGapMs: number;
  readonly usage: Usage;
  readonly message: ReceivedMessage;
}

/** Rejects with the turn's error. */
export async function take(engine: Engine, request: GenerateRequest, signal = never): Promise<Taken> {
  let [firstAt, lastAt, longestGapMs] = [0, 0, 0];
  let usage: Usage | undefined;
  for await (const event of engine.generate(request, signal)) {
    if (event.type === 'text_delta') {
      const now = performance.now();
      if (firstAt === 0) firstAt = now;
      else longestGapMs = Math.max(longestGapMs, now - lastAt);
      lastAt = now;
    }
    if (event.type === 'usage') usage = event.usage;
    if (event.type === 'error') throw event.error;
    if (event.type === 'stop' && usage !== undefined) {
      return { firstAt, longestGapMs, usage, message: event.message };
    }
  }
  throw new Error('The turn had no end or no usage.');
}
