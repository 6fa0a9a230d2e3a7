import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine, GenerateRequest } from '../../../src/engine/engine.js';
import { randomLlamaChunks } from '../../fixtures/models/random-llama.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from '../measure.js';
import { take } from './take.js';
import { withEngine } from './with-engine.js';

const CHATS = 8;
const CHAT_TOKENS = 60;
const LONG_PROMPT_TOKENS = 8192;
const ROUNDS = 4;
const TEMPLATE =
  "{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}{%- endfor -%}" +
  "{{- '<|im_start|>assistant\n' -}}";

/** Eight chats, with and without somebody's prompt of 8,192 tokens beside them, on a model with random weights. */
export async function measureMixedLoad(home: string): Promise<void> {
  const model = join(home, 'random-8k.gguf');
  const file = await open(model, 'w');
  for (const chunk of randomLlamaChunks(RANDOM_8K)) await file.write(chunk);
  await file.close();
  await withEngine({ model, home, sequences: CHATS + 1 }, async (engine) => {
    const measured = await interleave(
      { warmUp: 1, rounds: ROUNDS },
      {
        quiet: (round) => chats(engine, `quiet-${round}`),
        beside: (round) => besideLongPrompt(engine, round),
        long: async (round) => ({ longMs: await longPrompt(engine, `alone-${round}`) }),
      },
    );
    printHeading(`  ${CHATS} chats of ${CHAT_TOKENS} tokens, beside one prompt of ${LONG_PROMPT_TOKENS}`);
    for (const [figure, label] of [
      ['firstMs', 'slowest first token'],
      ['gapMs', 'longest wait between two tokens'],
      ['wholeMs', 'all chats to their end'],
    ] as const) {
      printRow(`${label}, chats alone`, figureOf(measured.quiet, figure), 'ms');
      printRow(`${label}, beside it`, figureOf(measured.beside, figure), 'ms');
      printRatio('ratio', figureOf(measured.beside, figure), figureOf(measured.quiet, figure));
    }
    printRow('the long prompt, alone', figureOf(measured.long, 'longMs'), 'ms');
    printRow('the long prompt, beside the chats', figureOf(measured.beside, 'longMs'), 'ms');
    printRatio(
      'longest wait / the long prompt',
      figureOf(measured.beside, 'gapMs'),
      figureOf(measured.long, 'longMs'),
    );
  });
}

const RANDOM_8K = {
  name: 'random-8k',
  template: TEMPLATE,
  controls: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  marks: [],
  bos: '<|endoftext|>',
  eos: '<|im_end|>',
  addBos: false,
  contextLength: LONG_PROMPT_TOKENS + 512,
  seed: 1,
  weights: 'F16',
  shape: { width: 256, layers: 6, heads: 8, inner: 704, vocabulary: 0 },
  values: {},
} as const;

async function chats(engine: Engine, round: string): Promise<Figures> {
  const started = performance.now();
  const turns = await Promise.all(
    Array.from({ length: CHATS }, (_, chat) =>
      take(engine, request(`${round}-${chat}`, `hello ${round}`, CHAT_TOKENS)),
    ),
  );
  return {
    firstMs: Math.max(...turns.map(({ firstAt }) => firstAt)) - started,
    gapMs: Math.max(...turns.map(({ longestGapMs }) => longestGapMs)),
    wholeMs: performance.now() - started,
  };
}

async function besideLongPrompt(engine: Engine, round: number): Promise<Figures> {
  const long = longPrompt(engine, `beside-${round}`);
  const figures = await chats(engine, `busy-${round}`);
  return { ...figures, longMs: await long };
}

async function longPrompt(engine: Engine, session: string): Promise<number> {
  const started = performance.now();
  // A token a byte; differs from its first word on.
  await take(engine, request(session, `${session} ${'w'.repeat(LONG_PROMPT_TOKENS - 100)}`, 1));
  return performance.now() - started;
}

function request(sessionId: string, content: string, maxTokens: number): GenerateRequest {
  return {
    sessionId,
    messages: [{ role: 'user', content }],
    tools: [],
    sampling: { temperature: 1, seed: 7, maxTokens },
  };
}
