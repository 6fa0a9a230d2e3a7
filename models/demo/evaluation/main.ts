import { appendFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Engine } from '../../../src/engine/engine.js';
import { EngineError } from '../../../src/engine/engine-error.js';
import { createLlamaEngine } from '../../../src/engine/llama/llama-engine.js';
import { IsolatePool } from '../../../src/sandbox/isolate/isolate-pool.js';
import type { Tool } from '../../../src/tools/tool.js';
import { Conversation } from './conversation.js';
import { type EvaluationCase, readCases } from './evaluation-case.js';
import { FolderWorkspace } from './folder-workspace.js';
import { followTurn } from './generated-turn.js';
import { startLocalWeb } from './local-web.js';
import { Tally } from './report.js';
import { productTools, Toolbox } from './toolbox.js';
import { speakTurn, type TurnReport } from './written-turn.js';

const USAGE = `node models/demo/evaluation/run.mjs [--model FILE.gguf] [--cases FILE.jsonl] [--transcripts FILE]

--model        default: the model of this repository
--cases        default: the hand-written set; others are made with "python3 -m training.cases"
--transcripts  where to write what was said, misses marked

The model's Python and shell commands run as plain processes: do this in a container.`;

interface Setting {
  readonly engine: Engine;
  readonly contextSize: number;
  readonly product: readonly Tool[];
  readonly web: readonly Tool[];
}

async function runCase(one: EvaluationCase, { engine, contextSize, product, web }: Setting): Promise<TurnReport[]> {
  const workspace = await FolderWorkspace.make(one.files);
  try {
    const toolbox = new Toolbox(one, product, web, workspace, contextSize);
    const conversation = new Conversation(engine, one.id, toolbox.specs(), one.thinking, one.system);
    const reports: TurnReport[] = [];
    for (const speak of speakers(one, { conversation, toolbox, workspace })) {
      reports.push(await speak().catch(engineFailure));
    }
    return reports;
  } finally {
    await workspace.close();
  }
}

interface Stage {
  readonly conversation: Conversation;
  readonly toolbox: Toolbox;
  readonly workspace: FolderWorkspace;
}

function speakers(one: EvaluationCase, { conversation, toolbox, workspace }: Stage): (() => Promise<TurnReport>)[] {
  return one.kind === 'written'
    ? one.turns.map((turn) => () => speakTurn(turn, conversation, toolbox, workspace))
    : one.turns.map((turn) => () => followTurn(turn, conversation, toolbox));
}

/** A turn that the engine refused, for want of context, is a miss. */
function engineFailure(error: unknown): TurnReport {
  if (!(error instanceof EngineError)) throw error;
  return { faults: [`the engine failed: ${error.message}`], transcript: [], calls: 0, invalidCalls: 0, completionTokens: 0 };
}

function transcriptOf(one: EvaluationCase, reports: readonly TurnReport[]): string {
  const turns = reports.map(({ faults, transcript }) => [...transcript, ...faults.map((fault) => `MISS: ${fault}`)].join('\n'));
  return `## ${one.id} (${one.family}${one.thinking ? ', thinking' : ''})\n${turns.join('\n')}\n\n`;
}

async function evaluate(cases: readonly EvaluationCase[], setting: Setting, transcripts: string | undefined): Promise<void> {
  const tally = new Tally();
  const totals = { calls: 0, invalidCalls: 0, completionTokens: 0 };
  const started = performance.now();
  if (transcripts !== undefined) writeFileSync(transcripts, '');
  for (const one of cases) {
    const reports = await runCase(one, setting);
    // A hand-written turn counts by itself, a generated dialogue as a whole.
    const verdicts = reports.map(({ faults }) => faults.length === 0);
    const counted = one.kind === 'written' ? verdicts : [verdicts.every(Boolean)];
    for (const isRight of counted) tally.add(one.family, isRight);
    for (const report of reports) {
      totals.calls += report.calls;
      totals.invalidCalls += report.invalidCalls;
      totals.completionTokens += report.completionTokens;
    }
    if (transcripts !== undefined) appendFileSync(transcripts, transcriptOf(one, reports));
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(tally.table());
  console.log(`\n${totals.calls} calls, ${totals.invalidCalls} of them invalid`);
  console.log(`${seconds.toFixed(1)} s in all; ${(totals.completionTokens / seconds).toFixed(0)} tokens/s, tools and prompts included`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'demo' },
      cases: { type: 'string', default: fileURLToPath(new URL('./hand-written.jsonl', import.meta.url)) },
      transcripts: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const cases = readCases(values.cases);
  const engine = createLlamaEngine({ model: values.model, homeDirectory: '/nonexistent', contextSize: 'auto', threads: 1, gpu: false, sequences: 1 });
  const isolates = new IsolatePool();
  const web = await startLocalWeb();
  try {
    const { contextSize } = await engine.capabilities();
    await isolates.ready();
    await evaluate(cases, { engine, contextSize, product: productTools(isolates), web: web.tools }, values.transcripts);
  } finally {
    web.close();
    await isolates.close();
    await engine.close();
  }
}

await main();
