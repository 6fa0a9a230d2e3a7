import type { Engine, EngineStatus } from '../../../src/engine/engine.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from '../measure.js';
import { BareLlama } from '../bare-llama-process.js';
import { type Dialogue, INPUT, longDialogues } from '../long-dialogues.js';
import { take } from './take.js';
import { readyStatus } from './with-engine.js';

export interface StreamPlan {
  readonly streams: number;
  readonly tokens: number;
  readonly rounds: number;
}

const PLAN: readonly StreamPlan[] = [
  { streams: 1, tokens: 400, rounds: 7 },
  { streams: 2, tokens: 200, rounds: 5 },
  { streams: 4, tokens: 200, rounds: 5 },
  { streams: 8, tokens: 200, rounds: 5 },
];

/** The port, with the model in its host process, next to the bare library in another. */
export async function measureStreams(engine: Engine, plans = PLAN): Promise<void> {
  for (const plan of plans) await compareStreams(engine, readyStatus(engine.status()), plan);
}

async function compareStreams(
  engine: Engine,
  { path, contextSize, threads }: Extract<EngineStatus, { state: 'ready' }>,
  { streams, tokens, rounds }: StreamPlan,
): Promise<void> {
  const bare = await BareLlama.start({ path, contextSize, threads, sequences: streams });
  try {
    const pool = await longDialogues(bare, tokens, streams + 1);
    const dialogues = (round: number): Dialogue[] =>
      Array.from(
        { length: streams },
        (_, index) => pool[(round * streams + index) % pool.length] as Dialogue,
      );
    const measured = await interleave(
      { warmUp: 1, rounds },
      {
        bare: async (round) => {
          const { seconds, firstTokenMs: firstMs } = await bare.ask({
            prompts: dialogues(round).map(({ prompt }) => prompt),
            tokens,
          });
          return { rate: (streams * tokens) / seconds, firstMs };
        },
        port: (round) => portFigures(engine, dialogues(round), tokens),
      },
    );
    printHeading(`  ${streams} stream(s) of ${tokens} tokens, ${rounds} rounds`);
    for (const [figure, unit] of [
      ['rate', 'tok/s'],
      ['firstMs', 'ms to the slowest first token'],
    ] as const) {
      printRow('bare', figureOf(measured.bare, figure), unit);
      printRow('port', figureOf(measured.port, figure), unit);
      printRatio('ratio, port / bare', figureOf(measured.port, figure), figureOf(measured.bare, figure));
    }
  } finally {
    bare.stop();
  }
}

let asked = 0;

async function portFigures(engine: Engine, dialogues: readonly Dialogue[], tokens: number): Promise<Figures> {
  const started = performance.now();
  const turns = await Promise.all(
    dialogues.map(({ system }) =>
      // A session of its own each time: nothing may be found evaluated.
      take(engine, {
        sessionId: `stream-${asked++}`,
        messages: [
          { role: 'system', content: system },
          { role: 'user', content: INPUT },
        ],
        tools: [],
        enableThinking: false,
        sampling: { temperature: 0, maxTokens: tokens },
      }),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  const firstMs = Math.max(...turns.map(({ firstAt }) => firstAt)) - started;
  return { rate: (dialogues.length * tokens) / seconds, firstMs };
}
