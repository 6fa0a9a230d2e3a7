import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Engine } from '../../src/engine/engine.js';
import type { CreateRunRequest } from '../../src/runs/run-request.js';
import type { Tool } from '../../src/tools/tool.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import {
  liveHosts,
  type Moment,
  PING_EVERY_MS,
  type Signal,
  SIGNALS,
  struckEngine,
} from '../support/host-strikes.js';
import { ofType, responseOf, type WorkedRun, type WorkerProcess, workToEnd } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

/** A sum that the model thinks about, calls python for, and tells; and a text that takes a while. */
const SUM: CreateRunRequest = { input: 'What is 1234 * 567?', enable_thinking: true };
const TEXT: CreateRunRequest = {
  input: `Repeat after me: ${'ha '.repeat(8).trim()}`,
  enable_thinking: false,
  enable_tools: false,
  max_tokens: 40,
};
/** Long enough that its prompt is still being read when the host answers something else. */
const LONG_PROMPT: CreateRunRequest = {
  input: `Remember ${Array.from({ length: 150 }, (_, n) => `${n} plus ${n * 3}`).join(', ')}.`,
  enable_tools: false,
  enable_thinking: false,
  max_tokens: 24,
};

const BOUND_MS = 110_000;

/** What a host does of itself differs little by the moment: those signals come at some of them. */
const CASES: readonly (readonly [Moment | 'between rounds', CreateRunRequest, readonly Signal[]])[] = [
  ['request', TEXT, ['SIGKILL']],
  ['prefill', LONG_PROMPT, SIGNALS],
  ['first token', TEXT, ['SIGKILL']],
  ['text', TEXT, SIGNALS],
  ['thoughts', SUM, ['SIGKILL', 'SIGTERM']],
  ['call begun', SUM, ['SIGKILL']],
  ['call arguments', SUM, SIGNALS],
  ['between rounds', SUM, SIGNALS],
];

interface Row {
  readonly moment: string;
  readonly signal: Signal;
  readonly outcome: string;
  readonly 'seconds to its end': number;
}

let workers: RunWorkers;
let worker: WorkerProcess;
let engine: Engine;
let struck: ReturnType<typeof struckEngine>;
let strike: () => void = () => undefined;
let onTool: () => void = () => undefined;
const table: Row[] = [];

const python: Tool<{ code: string }> = {
  name: 'python',
  description: 'Runs Python code.',
  parameters: z.strictObject({ code: z.string() }),
  source: 'built_in',
  kind: 'custom',
  label: 'Python',
  effect: 'pure',
  execution: 'parallel',
  reach: 'sandbox',
  available: () => true,
  execute: ({ code }) => {
    onTool();
    const content = code.includes('1234 * 567') ? '699678\n' : 'another sum\n';
    return Promise.resolve({ status: 'succeeded', content, data: { tool_type: 'custom', content } });
  },
};

beforeAll(async () => {
  workers = await RunWorkers.open();
  engine = demoEngine({ pingEveryMs: PING_EVERY_MS });
  struck = struckEngine(engine, () => strike());
  worker = await workers.start([python], [], {}, undefined, () => struck.engine);
  await engine.capabilities();
});
afterAll(async () => {
  await workers.close();
  expect(liveHosts()).toEqual([]);
  console.table(table);
});

function hostPid(): number {
  const status = engine.status();
  return status.state === 'ready' ? status.hostPid : 0;
}

/** With the time that a wedged host and a new one take. */
const work = (request: CreateRunRequest): Promise<WorkedRun> => workToEnd(worker, request, BOUND_MS);

/** All that a client has of a run in the end, but for ids and times. */
function resultOf({ events }: WorkedRun) {
  const { choices, agentic_tool_calls: calls } = responseOf(events);
  return {
    choices,
    calls: calls.map(({ name, arguments: json, result_content }) => [name, json, result_content]),
  };
}

async function openJobs(runId: string): Promise<unknown[]> {
  const { rows } = await workers.query(
    `SELECT state FROM pgboss.job WHERE data ->> 'runId' = $1 AND state IN ('created', 'retry', 'active')`,
    [runId],
  );
  return rows;
}

describe('a host that is hit in the middle of a run', () => {
  const undisturbed = new Map<CreateRunRequest, ReturnType<typeof resultOf>>();
  beforeAll(async () => {
    for (const request of [SUM, TEXT, LONG_PROMPT]) undisturbed.set(request, resultOf(await work(request)));
    expect(undisturbed.get(SUM)?.choices[0]?.message.content).toBe('1234 * 567 = 699678');
  });

  for (const [moment, request, signals] of CASES) {
    test.each(signals)(`%s at: ${moment}`, { timeout: 120_000 }, async (signal) => {
      await engine.capabilities();
      const victim = hostPid();
      strike = () => void process.kill(victim, signal);
      if (moment === 'between rounds') {
        onTool = () => {
          onTool = () => undefined;
          strike();
        };
      } else struck.arm(moment);
      const begun = performance.now();
      const worked = await work(request);
      expect(struck.hasStruck()).toBe(true);
      expect(resultOf(worked)).toEqual(undisturbed.get(request));
      await engine.capabilities();
      expect(hostPid()).not.toBe(victim);
      expect(liveHosts()).toEqual([hostPid()]);
      expect(await openJobs(worked.runId)).toEqual([]);
      const resets = ofType(worked.events, 'stream_reset').length;
      table.push({
        moment,
        signal,
        outcome: `the same result${resets === 0 ? '' : `, after ${resets} reset of the stream`}`,
        'seconds to its end': Number(((performance.now() - begun) / 1000).toFixed(1)),
      });
    });
  }
});
