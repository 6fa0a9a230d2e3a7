import { z } from 'zod';
import type { RunResponse } from '../../src/events/event.js';
import { BareLlama } from './bare-llama-process.js';
import { type Dialogue, INPUT, longDialogues } from './long-dialogues.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from './measure.js';
import { type Rig, withRig } from './rig.js';

const MAX_STREAMS = 8;
const PLAN = [
  { streams: 1, tokens: 400, rounds: 9 },
  { streams: 2, tokens: 200, rounds: 5 },
  { streams: 4, tokens: 200, rounds: 5 },
  { streams: 8, tokens: 200, rounds: 5 },
] as const;

const statusSchema = z.looseObject({
  engine: z.looseObject({ path: z.string(), contextSize: z.number(), threads: z.number() }),
});

/** Tokens per second through client, server, run, engine, log and back, next to the bare library. */
export async function benchStream(): Promise<void> {
  await withRig({ GANTRY_PARALLEL: String(MAX_STREAMS), GANTRY_SANDBOX: 'none' }, async (rig) => {
    const { engine: model } = statusSchema.parse(await rig.client.models.status());
    printHeading(`stream: ${model.path}, greedy, ${model.threads} thread(s), context ${model.contextSize}`);
    for (const plan of PLAN) {
      const bare = await BareLlama.start({ ...model, sequences: plan.streams });
      try {
        await compare(rig, bare, plan);
      } finally {
        bare.stop();
      }
    }
  });
}

async function compare(rig: Rig, bare: BareLlama, plan: (typeof PLAN)[number]): Promise<void> {
  const { streams, tokens, rounds } = plan;
  const pool = await longDialogues(bare, tokens, MAX_STREAMS + 1);
  const dialogues = (round: number): Dialogue[] =>
    Array.from({ length: streams }, (_, index) => pool[(round * streams + index) % pool.length] as Dialogue);
  const said = new Map<string, string>();
  const measured = await interleave(
    { warmUp: 1, rounds },
    {
      bare: async (round) => {
        const asked = dialogues(round);
        const answer = await bare.ask({ prompts: asked.map(({ prompt }) => prompt), tokens });
        for (const [index, { system }] of asked.entries()) said.set(system, answer.texts[index] ?? '');
        return {
          rate: (streams * tokens) / answer.seconds,
          firstMs: answer.firstTokenMs,
          steady: (streams * tokens) / (answer.seconds - answer.firstTokenMs / 1000),
        };
      },
      stack: async (round) => stackFigures(rig, dialogues(round), tokens, said),
    },
  );
  report(plan, measured.bare, measured.stack);
}

function report(
  { streams, tokens }: (typeof PLAN)[number],
  bare: readonly Figures[],
  stack: readonly Figures[],
): void {
  printHeading(`  ${streams} stream(s) of ${tokens} tokens, ${bare.length} rounds`);
  for (const [figure, label, unit] of [
    ['rate', 'tokens/s, request to last token', 'tok/s'],
    ['steady', 'tokens/s after the first token', 'tok/s'],
    ['firstMs', 'time to the first token (slowest stream)', 'ms'],
  ] as const) {
    printRow(`bare: ${label}`, figureOf(bare, figure), unit);
    printRow(`whole stack: ${label}`, figureOf(stack, figure), unit);
    if (figure !== 'firstMs')
      printRatio('ratio, stack / bare', figureOf(stack, figure), figureOf(bare, figure));
  }
  printRow('whole stack: chunk events a stream', figureOf(stack, 'chunks'), '');
}

async function stackFigures(
  rig: Rig,
  dialogues: readonly Dialogue[],
  tokens: number,
  said: ReadonlyMap<string, string>,
): Promise<Figures> {
  const watched = await Promise.all(dialogues.map(({ system }) => watch(rig, system)));
  const started = performance.now();
  const runs = await Promise.all(watched.map((session) => session.run(tokens)));
  for (const [index, { response }] of runs.entries()) {
    const text = response.choices[0]?.message.content ?? '';
    const expected = said.get(dialogues[index]?.system ?? '');
    // Not an equal text: beside other sequences a sum may round another way.
    if (response.usage.completion_tokens < tokens - 1) throw new Error(`The stack ended early: ${text}`);
    if (expected !== undefined && !text.startsWith(expected.trimStart().slice(0, 20))) {
      throw new Error(`The stack said "${text.slice(0, 60)}", the bare loop "${expected.slice(0, 60)}".`);
    }
  }
  const firstMs = Math.max(...runs.map(({ firstAt }) => firstAt)) - started;
  const seconds = (Math.max(...runs.map(({ lastAt }) => lastAt)) - started) / 1000;
  const made = dialogues.length * tokens;
  return {
    rate: made / seconds,
    firstMs,
    steady: made / (seconds - firstMs / 1000),
    chunks: runs.reduce((sum, { chunks }) => sum + chunks, 0) / runs.length,
  };
}

/** A session that is watched before its run is made, as a chat client does. */
async function watch({ client }: Rig, system: string) {
  const session = await client.createSession({ system_prompt: system });
  const events = client.session(session.id).events();
  for (let { value: item } = await events.next(); item?.type !== 'live';)
    ({ value: item } = await events.next());
  return {
    run: async (tokens: number) => {
      await client.createRun({
        session_id: session.id,
        input: INPUT,
        enable_tools: false,
        enable_thinking: false,
        temperature: 0,
        max_tokens: tokens,
      });
      let firstAt = 0;
      let lastAt = 0;
      let chunks = 0;
      let response: RunResponse | undefined;
      for await (const item of events) {
        if (item.type === 'done') response = item.response;
        if (item.type === 'done' || item.type === 'model_error') break;
        if (item.type !== 'chunk' || item.choices[0]?.delta.content === undefined) continue;
        chunks += 1;
        lastAt = performance.now();
        if (firstAt === 0) firstAt = lastAt;
      }
      if (response === undefined) throw new Error('The run did not end well.');
      return { firstAt, lastAt, chunks, response };
    },
  };
}
