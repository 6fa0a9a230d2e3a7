import { appendFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { speakCase, transcriptOf } from './evaluate.js';
import { readCases } from './evaluation-case.js';
import { Tally } from './report.js';
import { openStage } from './stage.js';

const USAGE = `node models/demo/evaluation/run.mjs [--model FILE.gguf] [--cases FILE.jsonl] [--transcripts FILE]

--model        default: the model of this repository
--cases        default: the hand-written set; others are made with "python3 -m training.cases"
--transcripts  where to write what was said, misses marked

The model's code runs in the product's sandboxes: "node sandboxes/build-image.mjs" makes their image.`;

const HAND_WRITTEN = fileURLToPath(new URL('./hand-written.jsonl', import.meta.url));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'demo' },
      cases: { type: 'string', default: HAND_WRITTEN },
      transcripts: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const cases = readCases(values.cases);
  await using stage = await openStage(values);
  if (values.transcripts !== undefined) writeFileSync(values.transcripts, '');
  const tally = new Tally();
  const started = performance.now();
  for (const [index, one] of cases.entries()) {
    const reports = await speakCase(one, stage);
    // A hand-written turn counts by itself, a generated dialogue as a whole.
    tally.add(one.family, reports, one.kind === 'written' ? 'turns' : 'dialogues');
    if (values.transcripts !== undefined) appendFileSync(values.transcripts, transcriptOf(one, reports));
    if (process.stderr.isTTY) process.stderr.write(`\r${index + 1} of ${cases.length} dialogues`);
  }
  console.log(`\n${tally.table()}\n\n${tally.totals((performance.now() - started) / 1000)}`);
}

await main();
