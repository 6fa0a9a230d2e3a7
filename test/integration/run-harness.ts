import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { ApprovalService } from '../../src/approvals/approval.service.js';
import { RuleService } from '../../src/approvals/rule.service.js';
import { loadConfig } from '../../src/config/config.js';
import { ENGINE, type Engine } from '../../src/engine/engine.js';
import { createScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';
import { calls, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import { EventLog } from '../../src/events/event-log.js';
import { type EventType, type GantryEvent, isTerminalEvent, type PayloadOf } from '../../src/events/event.js';
import type { CreateRunRequest } from '../../src/runs/run-request.js';
import { RunService } from '../../src/runs/run.service.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from '../../src/sandbox/sandbox.js';
import { NoSandboxProvider } from '../../src/sandbox/none/no-sandbox-provider.js';
import { SessionService } from '../../src/sessions/session.service.js';
import { BUILT_IN_TOOLS, type Tool, type ToolContext, type ToolOutcome } from '../../src/tools/tool.js';
import { WorkerModule } from '../../src/worker.module.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

export const OWNER = 'alice';

/** A tool whose doing a test writes; by default it says what it was given. */
export function scriptedTool(
  name: string,
  traits: Partial<Pick<Tool, 'effect' | 'execution' | 'reach' | 'callingHint'>> = {},
  work: (value: string, context: ToolContext) => Promise<string> | string = (value) => `${name}: ${value}`,
): Tool<{ value: string }> {
  return {
    name,
    description: `The tool ${name}.`,
    parameters: z.strictObject({ value: z.string() }),
    source: 'built_in',
    kind: 'custom',
    label: name,
    effect: 'effectful',
    execution: 'parallel',
    reach: 'sandbox',
    ...traits,
    available: () => true,
    execute: async ({ value }, context): Promise<ToolOutcome> => {
      const content = await work(value, context);
      return { status: 'succeeded', content, data: { tool_type: 'custom', content } };
    },
  };
}

/** One tool that stays in its sandbox and one that reaches out; each tells `ran` its value when it runs. */
export function echoAndReach(ran: (value: string) => void): Tool<{ value: string }>[] {
  return [
    scriptedTool('echo', {}, (value) => {
      ran(value);
      return `echo: ${value}`;
    }),
    scriptedTool('reach', { reach: 'network' }, (value) => {
      ran(value);
      return `reached ${value}`;
    }),
  ];
}

export interface WorkerProcess {
  readonly runs: RunService;
  readonly approvals: ApprovalService;
  readonly rules: RuleService;
  readonly sessions: SessionService;
  readonly log: EventLog;
  readonly dataSource: DataSource;
  readonly engine: ReturnType<typeof createScriptedEngine>;
  close(): Promise<void>;
}

/**
 * The worker root as it runs in production, on a scripted engine, or on what `engineOver` makes of it, and the test's
 * own tools. Closes `sandboxes`.
 */
export async function startWorker(
  database: TestDatabase,
  tools: readonly Tool[],
  script: readonly ScriptedTurn[] = [],
  environment: Record<string, string> = {},
  sandboxes: SandboxProvider = new NoSandboxProvider('This test runs no sandbox.'),
  engineOver: (scripted: Engine) => Engine = (scripted) => scripted,
): Promise<WorkerProcess> {
  const engine = createScriptedEngine([...script]);
  const config = loadConfig({ DATABASE_URL: database.url, LOG_LEVEL: 'silent', ...environment });
  const testing = await Test.createTestingModule({ imports: [WorkerModule.with(config)] })
    .overrideProvider(ENGINE)
    .useValue(engineOver(engine))
    .overrideProvider(SANDBOX_PROVIDER)
    .useValue(sandboxes)
    .overrideProvider(BUILT_IN_TOOLS)
    .useValue(tools)
    .compile();
  const app = await testing.init();
  return {
    runs: app.get(RunService),
    approvals: app.get(ApprovalService),
    rules: app.get(RuleService),
    sessions: app.get(SessionService, { strict: false }),
    log: app.get(EventLog),
    dataSource: app.get(DataSource),
    engine,
    close: () => app.close(),
  };
}

export const newDatabase = createTestDatabase;

export const isDone = (event: GantryEvent): boolean => event.type === 'done';

/** A turn that calls one of the `scriptedTool`s. */
export function calling(name: string, value: string): ScriptedTurn {
  return calls({ name, arguments: { value } });
}

/** Follows a session until an event passes `until`; rejects after a bound, with what came. */
export async function follow(
  worker: Pick<WorkerProcess, 'log'>,
  sessionId: string,
  until: (event: GantryEvent) => boolean,
  afterSeq = 0,
  boundMs = 20_000,
): Promise<GantryEvent[]> {
  const giveUp = AbortSignal.timeout(boundMs);
  const seen: GantryEvent[] = [];
  for await (const event of worker.log.subscribe(sessionId, afterSeq, giveUp)) {
    if (event.type === 'live') continue;
    seen.push(event);
    if (until(event)) return seen;
  }
  throw new Error(`The event did not come. Seen: ${seen.map(({ type }) => type).join(', ')}`);
}

export interface WorkedRun {
  readonly sessionId: string;
  readonly runId: string;
  readonly events: readonly GantryEvent[];
}

/** Creates a run and follows it to its end. */
export async function workToEnd(
  worker: WorkerProcess,
  request: CreateRunRequest,
  boundMs?: number,
): Promise<WorkedRun> {
  const { run } = await worker.runs.create(OWNER, request);
  const events = await follow(
    worker,
    run.session_id,
    (event) => event.run_id === run.id && isTerminalEvent(event),
    0,
    boundMs,
  );
  return {
    sessionId: run.session_id,
    runId: run.id,
    events: events.filter((event) => event.run_id === run.id),
  };
}

/** Creates a run, follows it to its first event of a type, and says what it has asked a person by then. */
export async function workUntil(
  worker: WorkerProcess,
  type: EventType,
  request: CreateRunRequest,
  turns: readonly ScriptedTurn[],
) {
  worker.engine.enqueue(...turns);
  const { run } = await worker.runs.create(OWNER, request);
  const events = await follow(
    worker,
    run.session_id,
    (event) => event.type === type && event.run_id === run.id,
  );
  const own = events.filter((event) => event.run_id === run.id);
  const asked = ofType(own, 'agentic_tool_approval_required');
  return {
    runId: run.id,
    sessionId: run.session_id,
    asked,
    approvalId: asked[0]?.approval_id ?? '',
    seq: events.at(-1)?.seq ?? 0,
  };
}

/** The events of one type, typed. */
export function ofType<T extends EventType>(events: readonly GantryEvent[], type: T): PayloadOf<T>[] {
  return events.filter((event) => event.type === type) as unknown as PayloadOf<T>[];
}

/** The response of a run that ended with `done`. */
export function responseOf(events: readonly GantryEvent[]): PayloadOf<'done'>['response'] {
  const [done] = ofType(events, 'done');
  if (!done) throw new Error(`The run did not end with done but with ${events.at(-1)?.type}.`);
  return done.response;
}
