import { parseArgs } from 'node:util';
import { demoModelPath } from '../../../src/models/demo-model.js';
import { compareWithReference, REFERENCE } from './parity.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    reference: { type: 'string' },
  },
});
const { model = demoModelPath(), reference = REFERENCE } = values;
const { texts, otherTexts, prompts, otherContinuations } = await compareWithReference(model, reference);
console.log(`token ids: ${texts - otherTexts.length} of ${texts} texts are the same`);
console.log(`greedy: ${prompts - otherContinuations} of ${prompts} continuations are the same`);
if (otherTexts[0] !== undefined) console.log(`first other text: ${JSON.stringify(otherTexts[0])}`);
process.exitCode = otherTexts.length + otherContinuations > 0 ? 1 : 0;
