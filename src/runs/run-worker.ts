import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DataSource, EntityManager } from 'typeorm';
import { RELEASE, workRun } from '../agent/loop.js';
import type { Config } from '../config/config.js';
import { isTransientDatabaseError } from '../database/transient-error.js';
import type { Engine } from '../engine/engine.js';
import { engineFor } from '../engine/engine-for.js';
import { servedModel } from '../engine/served-models.js';
import { EngineError } from '../engine/engine-error.js';
import { messageOf } from '../errors.js';
import { type ChunkWriter, FencedError } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import type { FileService } from '../files/file.service.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import { WorkClock } from '../work-clock.js';
import type { WorkspaceService } from '../workspaces/workspace.service.js';
import { CallJournal, type CallTerms } from './call-journal.js';
import { CallRunner } from './call-runner.js';
import { type ClaimedRun, claimRun, recoverRunningCalls } from './claim-run.js';
import { LandedCommitError } from './commit-fenced.js';
import { enqueueNext } from './enqueue-next.js';
import { NestedCallJournal } from './nested-call-journal.js';
import { PostgresRunJournal } from './run-journal.js';
import type { RunQueue } from './run-queue.js';
import { identifyTool, isClientTool, RegisteredRunTools } from './run-tools.js';
import { readSandboxChoice } from './sandbox-choice.js';
import { StoredMedia } from './stored-media.js';
import type { WorkerLease } from './worker-lease.js';

/** All that working a run takes. */
export interface RunWorkerParts {
  readonly config: Config;
  readonly dataSource: DataSource;
  readonly log: EventLog;
  readonly chunks: ChunkWriter;
  readonly engine: Engine;
  readonly registry: ToolRegistry;
  readonly workspaces: WorkspaceService;
  readonly files: FileService;
  readonly queue: RunQueue;
  readonly lease: WorkerLease;
  /** Told of each attempt of inference that is begun anew. */
  readonly onRetry: (failure: EngineError) => void;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Takes runs from the queue and works each to its end or to where it waits for somebody. */
export class RunWorker {
  private readonly active = new Map<string, AbortController>();
  private readonly working = new Map<string, Promise<void>>();
  /** Of those, the runs that are claimed by now. */
  private readonly claimed = new Set<string>();
  private stopping = false;
  private stopListening: (() => void) | undefined;

  constructor(private readonly parts: RunWorkerParts) {}

  async start(): Promise<void> {
    await this.parts.lease.start();
    this.stopListening = this.parts.log.bus.onSignal('cancel_run', (runId) => this.cancel(runId));
    await this.parts.queue.work(this.parts.config.runs.concurrency, ({ runId }) => this.handle(runId));
  }

  get id(): string {
    return this.parts.lease.workerId;
  }

  /** The runs this process is working now. */
  activeRunIds(): readonly string[] {
    return [...this.active.keys()];
  }

  /** Aborts the run if it is worked here. */
  cancel(runId: string): void {
    this.active.get(runId)?.abort();
  }

  /** Lets go of all runs: they stay as committed, and the end of the lease gives them to the next worker. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.stopListening?.();
    for (const controller of this.active.values()) controller.abort(RELEASE);
    await Promise.allSettled(this.working.values());
    await this.parts.lease.close();
  }

  /** Rejects when the job is to be given to another worker. */
  private async handle(runId: string): Promise<void> {
    if (this.stopping) throw new Error('This worker is stopping.');
    if (await this.isWorkedHere(runId)) return;
    const work = this.claimAndWork(runId);
    this.working.set(runId, work);
    await work.finally(() => this.working.delete(runId));
  }

  /** A run that is queued while we work it was taken from us (our lease was lost): what still moves here must end. */
  private async isWorkedHere(runId: string): Promise<boolean> {
    const work = this.working.get(runId);
    if (!work) return false;
    // Two jobs for one run: the other one is at the claim.
    if (!this.claimed.has(runId)) return true;
    const [run] = await this.parts.dataSource.query<{ state: string }[]>(
      `SELECT state FROM runs WHERE id = $1`,
      [runId],
    );
    if (run?.state === 'running') return true;
    if (run?.state === 'queued') this.active.get(runId)?.abort(RELEASE);
    await Promise.allSettled([work]);
    return false;
  }

  private async claimAndWork(runId: string): Promise<void> {
    const { log, lease, engine } = this.parts;
    const controller = new AbortController();
    this.active.set(runId, controller);
    try {
      const run = await log.transaction(async (manager, append) => {
        const modelFor = (asked: string | undefined) =>
          servedModel(engine, asked)?.status.model ?? asked ?? engine.status().model;
        const claimed = await claimRun(manager, runId, { id: lease.workerId, modelFor });
        if (!claimed) return undefined;
        const calls = new CallJournal(this.termsOf(claimed));
        if (claimed.resumed) {
          await append(
            claimed.sessionId,
            runId,
            await recoverRunningCalls(manager, claimed, this.parts.registry, calls),
          );
        }
        await append(claimed.sessionId, runId, [
          { type: 'run_started', generation: claimed.generation, model: claimed.model },
        ]);
        return claimed;
      });
      if (!run) return;
      this.claimed.add(runId);
      await this.work(run, controller.signal);
    } finally {
      this.claimed.delete(runId);
      this.active.delete(runId);
      this.parts.chunks.discard(runId);
    }
  }

  private async work(run: ClaimedRun, signal: AbortSignal): Promise<void> {
    const { config, dataSource, log, chunks, registry, logger } = this.parts;
    const engine = engineFor(this.parts.engine, run.options.model);
    const calls = new CallJournal(this.termsOf(run));
    const { workspaces, files } = this.parts;
    const clock = new WorkClock();
    const journal = new PostgresRunJournal(dataSource, log, chunks, calls, run, {
      clock,
      model: run.model,
      letNextIn: (manager) => this.startNext(manager, run),
    });
    const runner = new CallRunner({ log, chunks, calls, workspaces, files, clock, scope: run });
    const nested = new NestedCallJournal(log, chunks, calls, run);
    try {
      const outputLimit =
        run.kind === 'tool' ? Number.POSITIVE_INFINITY : (await engine.capabilities()).contextSize;
      const { hosts } = config.sandbox.egress;
      const sandbox = await readSandboxChoice(dataSource.manager, run.sessionId, hosts);
      const tools = new RegisteredRunTools(
        dataSource,
        registry,
        run.options,
        { runner, nested },
        {
          permissionFloor: config.runs.agentPermission,
          limits: config.runs,
          outputLimit,
          sandbox,
        },
      );
      const media = new StoredMedia(this.parts.dataSource, this.parts.files);
      const { onRetry } = this.parts;
      const now = () => clock.now();
      const ports = { journal, tools, engine, media, onRetry, now, pause, random: Math.random };
      const end = await workRun(ports, config.runs, signal);
      logger.info({ runId: run.runId, generation: run.generation, end }, 'A run was worked.');
    } catch (error) {
      await this.letGo(run, journal, error);
    }
  }

  /** Fenced or without a database: whoever claims next goes on from what is committed. Anything else ends the run. */
  private async letGo(run: ClaimedRun, journal: PostgresRunJournal, error: unknown): Promise<void> {
    const { logger } = this.parts;
    if (isForTheNextClaim(error)) {
      logger.warn({ runId: run.runId, err: error }, 'Let go of a run.');
      return;
    }
    logger.error({ runId: run.runId, err: error }, 'A run failed.');
    const code = error instanceof EngineError ? error.code : 'internal';
    await journal.fail({ code, message: messageOf(error) }).catch((failure: unknown) => {
      logger.warn({ runId: run.runId, err: failure }, 'The failure of a run could not be committed.');
    });
  }

  private startNext(manager: EntityManager, run: ClaimedRun): Promise<void> {
    return enqueueNext(manager, this.parts.queue, run.sessionId);
  }

  private termsOf(run: Pick<ClaimedRun, 'options'>): CallTerms {
    const { registry, config } = this.parts;
    const asked = run.options.approval_timeout;
    return {
      identify: (name) => identifyTool(registry, run.options, name),
      isClientTool: (name) => isClientTool(run.options, name),
      approvalTimeoutMs: () =>
        asked === undefined ? config.runs.approvalTimeoutMs : asked === null ? null : asked * 1000,
    };
  }
}

function isForTheNextClaim(error: unknown): boolean {
  // A model's server that is away fails with the codes of a database that is.
  if (error instanceof EngineError) return false;
  return (
    error instanceof FencedError || error instanceof LandedCommitError || isTransientDatabaseError(error)
  );
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
