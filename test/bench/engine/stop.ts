import type { Engine, GenerateRequest } from '../../../src/engine/engine.js';
import { printHeading, printRatio, printRow } from '../measure.js';
import { take } from './take.js';
import { readyStatus } from './with-engine.js';

/** How long a stop in the middle of reading a full window takes. */
export async function measureStop(engine: Engine): Promise<void> {
  const { contextSize } = readyStatus(engine.status());
  const words = Array.from({ length: Math.floor(contextSize * 0.25) }, (_, word) => `w${word % 7}`).join(' ');
  const request = (session: string): GenerateRequest => ({
    sessionId: session,
    messages: [{ role: 'user', content: `${session} ${words}` }],
    tools: [],
    sampling: { temperature: 0, maxTokens: 1 },
  });
  const whole: number[] = [];
  const stopped: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const { usage } = await take(engine, request(`whole-${round}`));
    whole.push(usage.total_prompt_time_sec * 1000);
    const abort = new AbortController();
    const ended = take(engine, request(`stopped-${round}`), abort.signal);
    await new Promise((resolve) => setTimeout(resolve, (whole.at(-1) ?? 0) / 3));
    const at = performance.now();
    abort.abort();
    await ended;
    stopped.push(performance.now() - at);
  }
  printHeading('  a stop while a long prompt is read');
  printRow('reading the whole prompt', whole, 'ms');
  printRow('from the stop to the end of the turn', stopped, 'ms');
  printRatio('ratio', stopped, whole);
}
