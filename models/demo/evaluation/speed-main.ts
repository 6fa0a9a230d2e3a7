import { parseArgs } from 'node:util';
import { demoModelPath } from '../../../src/models/demo-model.js';
import { loadOnOneCore } from './load-on-one-core.js';

/** The model's speed with one thread, as the server loads it: the best of some rounds, sampling included. */

/** How many tokens there are before those that are timed. */
const CONTEXTS = [100, 300, 600, 1200];
const TIMED_TOKENS = 200;
const ROUNDS = 3;

const { values } = parseArgs({ options: { model: { type: 'string', default: demoModelPath() } } });
await using loaded = await loadOnOneCore(values.model);
const { model, sequence } = loaded;
const text = model.tokenize('Read the notes of the second meeting and save what was said. '.repeat(200));

interface Speed {
  /** Tokens per second, both. */
  readonly prompt: number;
  readonly generated: number;
}

async function measure(context: number): Promise<Speed> {
  await sequence.clearHistory();
  const begun = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(text.slice(0, context));
  const read = performance.now();
  let made = 0;
  for await (const _ of sequence.evaluate(text.slice(context, context + 1), {
    temperature: 0,
    yieldEogToken: true,
  })) {
    made += 1;
    if (made === TIMED_TOKENS) break;
  }
  const end = performance.now();
  return { prompt: (context / (read - begun)) * 1000, generated: (made / (end - read)) * 1000 };
}

const best = (speeds: readonly Speed[], part: keyof Speed): string =>
  Math.max(...speeds.map((speed) => speed[part])).toFixed(0);

console.log('| tokens before | prompt, tokens/s | generated, tokens/s |\n|---|---|---|');
for (const context of CONTEXTS) {
  const speeds: Speed[] = [];
  for (let round = 0; round < ROUNDS; round += 1) speeds.push(await measure(context));
  console.log(`| ${context} | ${best(speeds, 'prompt')} | ${best(speeds, 'generated')} |`);
}
