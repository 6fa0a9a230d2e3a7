// Token ids and greedy continuations of a GGUF against the reference implementation:
// node models/demo/evaluation/parity.mjs MODEL.gguf reference.json
import { readFileSync } from 'node:fs';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

const [modelPath, referencePath] = process.argv.slice(2);
const { texts, prompts } = JSON.parse(readFileSync(referencePath, 'utf8'));
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.warn });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ sequences: 1, threads: 1 });
const sequence = context.getSequence();

const isSame = (a, b) => a.length === b.length && a.every((item, index) => item === b[index]);

async function greedy(ids, length) {
  await sequence.clearHistory();
  const made = [];
  for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    made.push(token);
    if (made.length >= length) break;
  }
  return made;
}

const otherIds = texts.filter(({ text, ids }) => !isSame(model.tokenize(text, true), ids));
let otherContinuations = 0;
for (const { ids, greedy: wanted } of prompts) {
  if (!isSame(await greedy(ids, wanted.length), wanted)) otherContinuations += 1;
}
console.log(`token ids: ${texts.length - otherIds.length} of ${texts.length} texts are the same`);
console.log(`greedy: ${prompts.length - otherContinuations} of ${prompts.length} continuations are the same`);
if (otherIds.length > 0) console.log(`first other text: ${JSON.stringify(otherIds[0].text)}`);
process.exitCode = otherIds.length + otherContinuations > 0 ? 1 : 0;
await llama.dispose();
