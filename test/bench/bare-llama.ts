import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import {
  type BareAnswer,
  type BareRequest,
  bareRequestSchema,
  bareSettingsSchema,
} from './bare-llama-protocol.js';

/** The shortest program that streams text with node-llama-cpp, in a process of its own. */
const { path, ...contextOptions } = bareSettingsSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath: path });
// As the server has it on a CPU: with flash attention one token would take several times as long.
const context = await model.createContext({ ...contextOptions, flashAttention: false });
const sequences = Array.from({ length: contextOptions.sequences }, () => context.getSequence());

async function stream(index: number, prompt: string, limit: number) {
  const sequence = sequences[index];
  if (!sequence) throw new Error(`There is no sequence ${index}.`);
  const started = performance.now();
  let firstTokenMs = 0;
  let text = '';
  let made = 0;
  let isFull = true;
  const tokens = model.tokenize(prompt, true);
  await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
  const rest = tokens.slice(sequence.nextTokenIndex);
  for await (const token of sequence.evaluate(rest, { temperature: 0, yieldEogToken: true })) {
    if (made === 0) firstTokenMs = performance.now() - started;
    if (model.isEogToken(token)) isFull = false;
    else text += model.detokenize([token]);
    made += 1;
    if (made >= limit) break;
  }
  return { firstTokenMs, text, isFull };
}

async function answer({ prompts, tokens }: BareRequest): Promise<BareAnswer> {
  const started = performance.now();
  const streams = await Promise.all(prompts.map((prompt, index) => stream(index, prompt, tokens)));
  return {
    texts: streams.map(({ text }) => text),
    isFull: streams.every(({ isFull }) => isFull),
    seconds: (performance.now() - started) / 1000,
    firstTokenMs: Math.max(...streams.map(({ firstTokenMs }) => firstTokenMs)),
  };
}

process.on('message', async (raw) => process.send?.(await answer(bareRequestSchema.parse(raw))));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
