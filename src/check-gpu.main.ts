import { loadConfig } from './config/config.js';
import type { Engine, EngineStatus } from './engine/engine.js';
import { createLlamaEngine } from './engine/llama/llama-engine.js';

/**
 * `npm run check:gpu`: the same model on this machine's GPU and on its CPU, greedy, side by side. Takes MODEL and
 * GANTRY_GPU as the server does. Exits with 1 when the GPU says something else from the first words on.
 */
const PROMPTS = [
  'What is 1234 * 567?',
  'Plot sin(x) from 0 to 10 and save it as sine.png',
  `Repeat after me: ${'ha '.repeat(20).trim()}`,
];
const TOKENS = 128;
/** Sums round another way on another device, so long texts may part; ones that part here are of another model. */
const LEAST_SHARED = 16;

interface Spoken {
  readonly texts: readonly string[];
  /** Of the median prompt. */
  readonly tokensPerSecond: number;
  readonly promptTokensPerSecond: number;
  readonly device: string;
  readonly gpuLayers: number;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function speak(gpu: Parameters<typeof createLlamaEngine>[0]['gpu']): Promise<Spoken> {
  const { engine: settings, home, hub, acceleratorEnvironment } = loadConfig(process.env);
  const engine = createLlamaEngine({
    model: settings.model,
    homeDirectory: home,
    hub,
    contextSize: 2048,
    threads: settings.threads,
    gpu,
    sequences: 1,
    environment: acceleratorEnvironment,
  });
  try {
    await engine.capabilities();
    const status = readyStatus(engine.status());
    const turns = [];
    for (const [index, prompt] of PROMPTS.entries()) turns.push(await answer(engine, index, prompt));
    const rates = turns.map(({ usage }) => usage.avg_compl_tok_per_sec).toSorted((a, b) => a - b);
    const promptRates = turns.map(({ usage }) => usage.avg_prompt_tok_per_sec).toSorted((a, b) => a - b);
    return {
      texts: turns.map(({ text }) => text),
      tokensPerSecond: rates[1] ?? Number.NaN,
      promptTokensPerSecond: promptRates[1] ?? Number.NaN,
      device: status.device,
      gpuLayers: status.gpuLayers,
    };
  } finally {
    await engine.close();
  }
}

function readyStatus(status: EngineStatus): Extract<EngineStatus, { state: 'ready' }> {
  if (status.state === 'ready') return status;
  throw new Error(`The model is ${status.state}.`);
}

async function answer(engine: Engine, index: number, content: string) {
  let text = '';
  for await (const event of engine.generate(
    {
      sessionId: `check-${index}`,
      messages: [{ role: 'user', content }],
      tools: [],
      sampling: { temperature: 0, maxTokens: TOKENS },
    },
    new AbortController().signal,
  )) {
    if (event.type === 'text_delta' || event.type === 'reasoning_delta') text += event.text;
    if (event.type === 'error') throw event.error;
    if (event.type === 'usage') return { text, usage: event.usage };
  }
  throw new Error('The turn had no usage.');
}

function shared(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length += 1;
  return length;
}

async function main(): Promise<void> {
  const { gpu } = loadConfig(process.env).engine;
  const onGpu = await speak(gpu === 'off' ? 'auto' : gpu);
  if (onGpu.device === 'cpu') {
    say('No GPU that llama.cpp can use is at hand: nothing to compare.');
    return;
  }
  const onCpu = await speak(false);
  for (const { device, gpuLayers, tokensPerSecond, promptTokensPerSecond } of [onGpu, onCpu]) {
    const layers = gpuLayers > 0 ? `, ${gpuLayers} layers on it` : '';
    say(
      `${device.padEnd(8)} ${tokensPerSecond.toFixed(0)} tokens/s, prompts ${promptTokensPerSecond.toFixed(0)}${layers}`,
    );
  }
  for (const [index, text] of onGpu.texts.entries()) {
    const other = onCpu.texts[index] ?? '';
    const same = shared(text, other);
    const isWhole = text === other;
    say(`${JSON.stringify(PROMPTS[index])}: ${isWhole ? 'equal' : `the same for ${same} characters`}`);
    if (!isWhole && same < Math.min(LEAST_SHARED, other.length)) process.exitCode = 1;
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
