import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GantryClientError } from '../../src/client/client-error.js';
import type { CreatedRun, GantryClient } from '../../src/client/gantry-client.js';
import type { CreateRunRequest, InvokeToolRequest } from '../../src/runs/run-request.js';
import type { EventCollector } from './event-collector.js';

/** With so many kills a run may wait long for its turn. */
const RUN_BOUND_MS = 300_000;

/** Text-only and greedy: the whole answer must be the same however often it was interrupted. */
export const LONG_TEXT = {
  input: 'Repeat: 918273645 192837465 564738291 102938475 675849302 918273645 192837465',
  temperature: 0,
  enable_tools: false,
  enable_thinking: false,
  max_tokens: 250,
} as const satisfies CreateRunRequest;

const MIXED_PROMPTS = [
  'What is 1234 * 567?',
  'Plot sin(x) from 0 to 10 and save it as sine.png',
  'Hello!',
  'Run this javascript: console.log(12 + 30)',
  'Write a file notes.txt with the text hello',
  'What can you do?',
  'Run this Python:\n```python\nfor i in range(5):\n    print(i)\n```',
];

/** Printed once by each execution of an effectful call, so that a second one cannot hide. */
export const EXECUTION_MARK = 'execution ';

/** Leaves a line in a file and prints for about a second. */
function effectfulCode(name: string): string {
  return [
    'import time, uuid',
    `print("${EXECUTION_MARK}" + uuid.uuid4().hex, flush=True)`,
    `open("effects.txt", "a").write("${name}\\n")`,
    'for step in range(6):',
    '    print("step", step, flush=True)',
    '    time.sleep(0.15)',
  ].join('\n');
}

export interface WorkedRun {
  readonly sessionId: string;
  readonly runId: string;
  readonly lane: 'text' | 'effects' | 'mixed';
}

/** How many sessions of each kind are worked at once. */
export interface Lanes {
  readonly text: number;
  readonly effects: number;
  readonly mixed: number;
}

/** Sessions that are kept busy, each with one run after another, until they are told to stop. */
export class Workload {
  readonly runs: WorkedRun[] = [];
  private stopped = false;
  private readonly lanes: Promise<void>[] = [];
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly collector: EventCollector,
    private readonly client: GantryClient,
  ) {}

  start(lanes: Lanes): void {
    for (let lane = 0; lane < lanes.text; lane += 1) this.add(this.workTexts());
    for (let lane = 0; lane < lanes.effects; lane += 1) this.add(this.workEffects());
    for (let lane = 0; lane < lanes.mixed; lane += 1) this.add(this.workMixed(lane));
  }

  /** Throws the first failure of a lane, if there is one. */
  check(): void {
    if (this.failure) throw this.failure.error;
  }

  /** Resolves when the runs under way have ended; rejects with the first failure of a lane. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.lanes);
    this.check();
  }

  private add(lane: Promise<void>): void {
    this.lanes.push(
      lane.catch((error: unknown) => {
        this.failure ??= { error };
      }),
    );
  }

  /** Each in a session of its own, so that nothing but the prompt goes into the answer. */
  private async workTexts(): Promise<void> {
    while (!this.stopped) {
      const sessionId = await this.newSession();
      await this.work('text', { ...LONG_TEXT, session_id: sessionId });
    }
  }

  private async workEffects(): Promise<void> {
    const sessionId = await this.newSession();
    for (let number = 0; !this.stopped; number += 1) {
      const code = effectfulCode(`line ${number}`);
      await this.work('effects', { session_id: sessionId, name: 'python', arguments: { code } });
    }
  }

  private async workMixed(offset: number): Promise<void> {
    const sessionId = await this.newSession();
    for (let number = offset; !this.stopped; number += 1) {
      const input = MIXED_PROMPTS[number % MIXED_PROMPTS.length] ?? '';
      await this.work('mixed', { session_id: sessionId, input, temperature: 0 });
    }
  }

  private async newSession(): Promise<string> {
    const { id } = await patiently(() => this.client.createSession());
    this.collector.follow(id);
    return id;
  }

  private async work(
    lane: WorkedRun['lane'],
    request: (CreateRunRequest & { session_id: string }) | InvokeToolRequest,
  ): Promise<void> {
    const idempotency_key = randomUUID();
    const { run } = await patiently<CreatedRun>(() =>
      'name' in request
        ? this.client.invokeTool({ ...request, idempotency_key })
        : this.client.createRun({ ...request, idempotency_key }),
    );
    this.runs.push({ sessionId: request.session_id, runId: run.id, lane });
    await this.collector.ending(request.session_id, run.id, RUN_BOUND_MS);
  }
}

/** A server that is away for longer than a request's time is asked again; the idempotency key makes that safe. */
async function patiently<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      const isPassing =
        error instanceof GantryClientError &&
        (['connection_lost', 'timeout', 'unreachable'].includes(error.kind) ||
          error.error?.type === 'api_error');
      if (!isPassing) throw error;
      await delay(100);
    }
  }
}
