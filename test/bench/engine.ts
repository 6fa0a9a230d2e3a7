import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatMessage, Engine, EngineStatus, GenerateRequest, Usage } from '../../src/engine/engine.js';
import { createLlamaEngine } from '../../src/engine/llama/llama-engine.js';
import { BareLlama } from './bare-llama-process.js';
import { type Dialogue, INPUT, longDialogues } from './long-dialogues.js';
import {
  figureOf,
  type Figures,
  interleave,
  printAim,
  printHeading,
  printRatio,
  printRow,
} from './measure.js';

const never = new AbortController().signal;
const PLAN = [
  { streams: 1, tokens: 400, rounds: 7 },
  { streams: 2, tokens: 200, rounds: 5 },
  { streams: 4, tokens: 200, rounds: 5 },
  { streams: 8, tokens: 200, rounds: 5 },
] as const;
const SESSIONS = 20;
const SEQUENCES = 4;

/** The engine's port with the demo model in its host process, next to the bare library in another. */
export async function benchEngine(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  try {
    await withEngine(home, 8, async (engine) => {
      const status = readyStatus(engine.status());
      printHeading(
        `engine: ${status.path}, greedy, ${status.threads} thread(s), context ${status.contextSize}`,
      );
      for (const plan of PLAN) await compareStreams(engine, status, plan);
      await measureAbort(engine);
    });
    await withEngine(home, SEQUENCES, measureReuse);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function withEngine(
  homeDirectory: string,
  sequences: number,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = createLlamaEngine({
    model: 'demo',
    homeDirectory,
    contextSize: 'auto',
    threads: 'auto',
    gpu: false,
    sequences,
    stateCacheBytes: 1024 ** 3,
  });
  try {
    await engine.capabilities();
    await work(engine);
  } finally {
    await engine.close();
  }
}

function readyStatus(status: EngineStatus): Extract<EngineStatus, { state: 'ready' }> {
  if (status.state !== 'ready') throw new Error(`The model is ${status.state}.`);
  return status;
}

async function compareStreams(
  engine: Engine,
  { path, contextSize, threads }: Extract<EngineStatus, { state: 'ready' }>,
  { streams, tokens, rounds }: (typeof PLAN)[number],
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

interface Taken {
  readonly firstAt: number;
  readonly usage: Usage;
}

async function take(engine: Engine, request: GenerateRequest, signal = never): Promise<Taken> {
  let firstAt = 0;
  let usage: Usage | undefined;
  for await (const event of engine.generate(request, signal)) {
    if (event.type === 'text_delta' && firstAt === 0) firstAt = performance.now();
    if (event.type === 'usage') usage = event.usage;
    if (event.type === 'error') throw event.error;
  }
  if (usage === undefined) throw new Error('The turn had no usage.');
  return { firstAt, usage };
}

/** Different in each session from its first word on. */
function opening(session: number): ChatMessage[] {
  const lines = Array.from({ length: 40 }, (_, line) => `${session * 31 + line} and ${line * 7}`);
  return [{ role: 'user', content: `${session}: remember ${lines.join(', ')}.` }];
}

/** The second turn of each session, after all others had their first on fewer sequences. */
async function measureReuse(engine: Engine): Promise<void> {
  const request = (session: number, messages: readonly ChatMessage[]): GenerateRequest => ({
    sessionId: `reuse-${session}`,
    owner: 'bench',
    messages,
    tools: [],
    enableThinking: false,
    sampling: { temperature: 0, maxTokens: 16 },
  });
  const firsts: Usage[] = [];
  const seconds: Usage[] = [];
  for (let session = 0; session < SESSIONS; session += 1) {
    firsts.push((await take(engine, request(session, opening(session)))).usage);
  }
  for (let session = 0; session < SESSIONS; session += 1) {
    const said: ChatMessage = { role: 'assistant', content: 'Good.', toolCalls: [] };
    const messages = [...opening(session), said, { role: 'user' as const, content: 'What is 17 * 23?' }];
    seconds.push((await take(engine, request(session, messages))).usage);
  }
  const sum = (usages: readonly Usage[], of: (usage: Usage) => number) =>
    usages.reduce((all, usage) => all + of(usage), 0);
  const fresh = sum(seconds, (usage) => usage.prompt_tokens) - sum(firsts, (usage) => usage.prompt_tokens);
  const evaluated = sum(
    seconds,
    (usage) => usage.prompt_tokens - (usage.prompt_tokens_details?.cached_tokens ?? 0),
  );
  printHeading(`  second turns of ${SESSIONS} sessions on ${SEQUENCES} sequences`);
  printRow(
    'prompt, first turn',
    firsts.map((usage) => usage.prompt_tokens),
    'tokens',
  );
  printAim('evaluated over new tokens, at most 1.05', evaluated / fresh, evaluated / fresh <= 1.05);
}

/** How long a stop in the middle of reading a full window takes. */
async function measureAbort(engine: Engine): Promise<void> {
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
