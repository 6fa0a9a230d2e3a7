import { expect, test } from 'vitest';
import { EngineError } from '../engine/engine-error.js';
import type { Engine } from '../engine/engine.js';
import { createScriptedEngine } from '../engine/scripted/scripted-engine.js';
import { says, type ScriptedStep } from '../engine/scripted/scripted-turn.js';
import type { RunOptions } from '../runs/run-request.js';
import { workRun } from './loop.js';
import { foldPartialTurn, type JournalEvent } from './partial-turn.js';
import type { RunPorts } from './ports.js';
import type { RecoveryPlan } from './recovery-plan.js';
import { snapshotOf } from './snapshot.fixture.js';
import type { RunSnapshot } from './snapshot.js';

const SERVER = { maxToolRounds: 25, toolTimeoutMs: 1000 };
const BROKEN_ATTEMPTS = 6;

/** A run's memory of one round, which ends with the run. */
class RoundJournal {
  readonly events: JournalEvent[] = [];
  private attempt = 0;
  private turnCommitted = false;

  constructor(private readonly options: RunOptions) {}

  load = async (): Promise<RunSnapshot> => {
    const { options, attempt, turnCommitted } = this;
    const partial = foldPartialTurn(this.events);
    return snapshotOf({
      options,
      attempt,
      turnCommitted,
      partial,
      finishReason: turnCommitted ? 'stop' : null,
    });
  };
  write = async (payload: JournalEvent) => void this.events.push(payload);
  beginAttempt = async (_snapshot: RunSnapshot, plan: RecoveryPlan): Promise<void> => {
    this.attempt += 1;
    if (plan.type === 'synthesize_tool_use') return;
    const { text, reasoning } = plan.type === 'whole_restart' ? { text: '', reasoning: '' } : plan;
    const offsets = { to_offset: text.length, to_reasoning_offset: reasoning.length };
    const cause = 'connection_reset';
    this.events.push({ type: 'stream_reset', round: 0, attempt: this.attempt, ...offsets, cause });
  };
  commitTurn = async () => void (this.turnCommitted = true);
  drain = () => Promise.resolve();
  tell = () => Promise.resolve();
  spend = () => Promise.resolve();
  fail = () => Promise.resolve();
  finish = () => Promise.resolve(true);
}

/** A run on a model whose attempts break after these steps, until one answers; with the requests that it took. */
async function work(steps: readonly ScriptedStep[], options: RunOptions, continuesThoughts: boolean) {
  const error = new EngineError('stream_interrupted', 'The connection was reset.');
  const broken = { steps: [...steps, { type: 'fail' as const, error }] };
  const scripted = createScriptedEngine([
    ...Array.from({ length: BROKEN_ATTEMPTS }, () => broken),
    says('So.'),
  ]);
  const engine: Engine = {
    ...scripted,
    generate: (request, signal) => scripted.generate(request, signal),
    count: (request) => scripted.count(request),
    capabilities: async () => ({ ...(await scripted.capabilities()), continuesThoughts }),
  };
  const ports = {
    engine,
    journal: new RoundJournal(options),
    tools: { specs: () => [] },
    onRetry: () => undefined,
    now: () => 0,
    pause: () => Promise.resolve(),
    random: () => 0,
  } as unknown as RunPorts;
  const end = await workRun(ports, SERVER, new AbortController().signal);
  return { end, attempts: scripted.requests.length };
}

const text = { type: 'text', pieces: ['Once '] } as const;
const thought = { type: 'reasoning', pieces: ['Hm. '] } as const;
const halfCall = { type: 'broken_call', name: 'python', arguments: '{"co' } as const;
const json = { response_format: { type: 'json_object' } } as const;

test.each([
  ['a call in the making', [halfCall], {}, true],
  ['JSON, which starts at its beginning', [text], json, true],
  ['thoughts that are had again', [thought], {}, false],
] as const)(
  'what is not gone on from is tried twice more: %s',
  async (_what, steps, options, continuesThoughts) => {
    expect(await work(steps, options, continuesThoughts)).toEqual({ end: 'failed', attempts: 3 });
  },
);

test.each([
  ['text', [text, halfCall], false],
  ['thoughts', [thought], true],
] as const)('what is gone on from gives back its patience: %s', async (_what, steps, continues) => {
  const attempts = BROKEN_ATTEMPTS + 1;
  expect(await work(steps, {}, continues)).toEqual({ end: 'finished', attempts });
});
