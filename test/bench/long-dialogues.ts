import type { BareLlama } from './bare-llama-process.js';

/** Makes the demo model go on and on; found by trying. */
export const INPUT = `Repeat after me: ${'ha '.repeat(20)}`.trim();

export interface Dialogue {
  /** Differs from its first word on, so that no contender finds the prompt evaluated already. */
  readonly system: string;
  readonly prompt: string;
}

/** Those that the model would not end before `tokens`, so that every contender makes as many. */
export async function longDialogues(bare: BareLlama, tokens: number, count: number): Promise<Dialogue[]> {
  const found: Dialogue[] = [];
  for (let number = 1; found.length < count; number += 1) {
    if (number > count * 6) throw new Error('The model ends its answers too early for this bench.');
    const system = `${number}. You are a helpful assistant running locally.`;
    const prompt =
      `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${INPUT}<|im_end|>\n` +
      '<|im_start|>assistant\n<think>\n\n</think>\n\n';
    if ((await bare.ask({ prompts: [prompt], tokens })).isFull) found.push({ system, prompt });
  }
  return found;
}
