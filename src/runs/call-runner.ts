import type { EntityManager } from 'typeorm';
import { RELEASE } from '../agent/loop.js';
import type { CallSnapshot, RunSnapshot } from '../agent/snapshot.js';
import type { ChunkScope, ChunkWriter } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import type { EventPayload } from '../events/event.js';
import type { FileService } from '../files/file.service.js';
import { NO_NESTED_TOOLS, type ToolContext, type ToolOutcome } from '../tools/tool.js';
import type { WorkClock } from '../work-clock.js';
import type { SessionWorkspace } from '../workspaces/session-workspace.js';
import type { WorkspaceService } from '../workspaces/workspace.service.js';
import type { CallJournal, CallResult } from './call-journal.js';
import { doubt } from './claim-run.js';
import { commitFenced } from './commit-fenced.js';
import { endNestedCalls } from './end-nested-calls.js';
import { offTheClock } from './off-the-clock.js';
import { NOTHING_TOLD, readToldOutput, type ToldOutput, UntoldOutput } from './told-output.js';
import { waitInLine } from './wait-in-line.js';

/** After its time a tool gets this long to wind up before the call is given up. */
const WIND_UP_MS = 7000;

/** After a cancel; shorter, so that a nested call has ended when the time of the one that made it is up. */
const CANCEL_WIND_UP_MS = 5000;

export interface CallWork<Outcome = ToolOutcome> {
  readonly tool: string;
  readonly timeoutMs: number;
  /** The run's cancel. */
  readonly signal: AbortSignal;
  work(context: ToolContext): Promise<Outcome>;
}

export interface CallRunnerParts {
  readonly log: EventLog;
  readonly chunks: ChunkWriter;
  readonly calls: CallJournal;
  readonly workspaces: WorkspaceService;
  readonly files: FileService;
  readonly clock: WorkClock;
  readonly scope: ChunkScope;
}

/** Carries one call from `approved` to its committed end, streaming what it prints. */
export class CallRunner {
  /** Ids of the calls that stand in line for a sandbox, as clients were told. */
  private readonly inLine = new Set<string>();

  constructor(private readonly parts: CallRunnerParts) {}

  /** Gives what was committed; nothing is of a call in line when the worker lets go: the next one begins it anew. */
  async run(call: CallSnapshot, snapshot: RunSnapshot, work: CallWork): Promise<ToolOutcome> {
    await this.commit((manager) => this.parts.calls.start(manager, call));
    const workspace = this.openWorkspace(call, snapshot, work);
    const context = this.contextFor(call, snapshot, work, workspace, NOTHING_TOLD);
    const outcome = await withDeadline(work, context);
    const hadNotBegun = this.inLine.delete(call.id) && call.parentId === null;
    if (hadNotBegun && work.signal.reason === RELEASE) return outcome;
    await this.end(call, outcome, workspace);
    return outcome;
  }

  /** A call that an earlier process began: its end is committed, and where nobody knows it, that. */
  async resume(
    call: CallSnapshot,
    snapshot: RunSnapshot,
    work: CallWork<ToolOutcome | undefined>,
  ): Promise<void> {
    const { calls, log, scope } = this.parts;
    const workspace = this.openWorkspace(call, snapshot, work);
    const told = await log.transaction((manager) => readToldOutput(manager, scope, call.id));
    const outcome = await withDeadline(work, this.contextFor(call, snapshot, work, workspace, told));
    if (outcome !== undefined) return this.end(call, outcome, workspace);
    await this.commit((manager) => calls.end(manager, call, calls.spoken(call, 'in_doubt', doubt([]))));
  }

  private async end(call: CallSnapshot, outcome: ToolOutcome, workspace: SessionWorkspace): Promise<void> {
    const { calls, chunks, scope } = this.parts;
    await chunks.drain(scope);
    const result: CallResult = {
      state: outcome.status,
      content: outcome.content,
      data: outcome.data,
      images: outcome.imagesBase64 ?? [],
      fileIds: workspace.producedFileIds(),
    };
    await this.commit(async (manager) => [
      ...(await endNestedCalls(manager, calls, call.id)),
      ...(await calls.end(manager, call, result)),
    ]);
    workspace.settled();
  }

  /** A client tool: the intent is committed, the client's answer ends it. */
  async hand(call: CallSnapshot): Promise<void> {
    await this.commit((manager) => this.parts.calls.start(manager, call));
  }

  async refuse(call: CallSnapshot, content: string): Promise<void> {
    const { calls } = this.parts;
    await this.commit((manager) => calls.end(manager, call, calls.spoken(call, 'failed', content)));
  }

  private openWorkspace(
    call: CallSnapshot,
    snapshot: RunSnapshot,
    { tool, signal }: CallWork<unknown>,
  ): SessionWorkspace {
    const turn = snapshot.messages.filter((message) => message.role === 'user').length;
    const { workspaces, files, scope, clock } = this.parts;
    return workspaces.open({
      ...scope,
      owner: snapshot.owner,
      toolCallId: call.id,
      tool,
      round: call.round,
      turn,
      offTheClock: (work) => offTheClock(clock, work),
      waitForSandbox: (wait) =>
        waitInLine(wait, { clock, signal, tell: (position) => this.tellPlace(call, position) }),
      onFile: async (file) => {
        const object = await files.toObject(file, { inline: false });
        await this.commit(() => Promise.resolve([{ type: 'file', file: object, tool_call_id: call.id }]));
      },
      onMissingFile: (file) =>
        this.commit(() => Promise.resolve([{ type: 'file', file, tool_call_id: call.id }])),
      onStateLost: (reason) => this.tellStateLost(reason),
    });
  }

  private tellPlace(call: CallSnapshot, position: number): Promise<void> {
    if (position > 0) this.inLine.add(call.id);
    else this.inLine.delete(call.id);
    return this.commit(() => Promise.resolve([this.parts.calls.inLine(call, position)]));
  }

  private tellStateLost(reason: string): Promise<void> {
    return this.commit(() => Promise.resolve([{ type: 'sandbox_state_lost', reason }]));
  }

  private ranBefore(call: CallSnapshot): Promise<boolean> {
    return this.parts.log.transaction(async (manager) => {
      const rows = await manager.query<unknown[]>(
        `SELECT 1 FROM tool_calls WHERE session_id = $1 AND id <> $2 AND name = $3 AND started_at IS NOT NULL LIMIT 1`,
        [this.parts.scope.sessionId, call.id, call.name],
      );
      return rows.length > 0;
    });
  }

  private contextFor(
    call: CallSnapshot,
    snapshot: RunSnapshot,
    work: CallWork<unknown>,
    workspace: ToolContext['workspace'],
    told: ToldOutput,
  ): ToolContext {
    const untold = new UntoldOutput(told);
    const { scope, chunks, clock } = this.parts;
    return {
      sessionId: snapshot.sessionId,
      runId: snapshot.runId,
      toolCallId: call.id,
      round: call.round,
      generation: scope.generation,
      timeoutMs: work.timeoutMs,
      signal: work.signal,
      clock,
      workspace,
      nested: NO_NESTED_TOOLS,
      ranBefore: () => this.ranBefore(call),
      tellStateLost: (reason) => this.tellStateLost(reason),
      emitOutput: async (stream, text) => {
        const news = untold.take(stream, text);
        if (news === undefined) return;
        await chunks.write(scope, {
          type: 'agentic_tool_output',
          round: call.round,
          tool_call_id: call.id,
          stream,
          ...news,
        });
      },
    };
  }

  private commit(work: (manager: EntityManager) => Promise<readonly EventPayload[]>): Promise<void> {
    return commitFenced(this.parts.log, this.parts.scope, async (manager, append) => {
      await append(await work(manager));
    });
  }
}

/**
 * Tools keep their own time and heed the signal; one that does not come back is left behind, and its late
 * result is dropped.
 */
async function withDeadline<Outcome>(
  work: CallWork<Outcome>,
  context: ToolContext,
): Promise<Outcome | ToolOutcome> {
  const overdue = new AbortController();
  const signal = AbortSignal.any([context.signal, overdue.signal]);
  const left = Promise.withResolvers<ToolOutcome>();
  const leave = (status: 'timed_out' | 'cancelled', content: string): void => {
    overdue.abort();
    left.resolve({ status, content, data: { tool_type: 'custom', content } });
  };
  const callOff = context.clock.after(work.timeoutMs + WIND_UP_MS, () =>
    leave('timed_out', `Error: the tool did not end within ${Math.round(work.timeoutMs / 1000)} s.`),
  );
  let windUp: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    windUp = setTimeout(() => leave('cancelled', '[cancelled]'), CANCEL_WIND_UP_MS);
  };
  if (context.signal.aborted) onAbort();
  else context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work.work({ ...context, signal }), left.promise]);
  } finally {
    callOff();
    clearTimeout(windUp);
    context.signal.removeEventListener('abort', onAbort);
  }
}
