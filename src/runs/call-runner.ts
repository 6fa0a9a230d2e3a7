import type { EntityManager } from 'typeorm';
import type { CallSnapshot, RunSnapshot } from '../agent/snapshot.js';
import type { ChunkScope, ChunkWriter } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import type { EventPayload } from '../events/event.js';
import type { FileService } from '../files/file.service.js';
import type { ToolContext, ToolOutcome } from '../tools/tool.js';
import type { WorkspaceService } from '../workspaces/workspace.service.js';
import type { CallJournal, CallResult } from './call-journal.js';
import { commitFenced } from './commit-fenced.js';

/** After its time a tool gets this long to wind up before the call is given up. */
const WIND_UP_MS = 7000;

export interface CallWork {
  readonly tool: string;
  readonly timeoutMs: number;
  /** The run's cancel. */
  readonly signal: AbortSignal;
  work(context: ToolContext): Promise<ToolOutcome>;
}

/** Carries one call from `approved` to its committed end, streaming what it prints. */
export class CallRunner {
  constructor(
    private readonly log: EventLog,
    private readonly chunks: ChunkWriter,
    private readonly calls: CallJournal,
    private readonly workspaces: WorkspaceService,
    private readonly files: FileService,
    private readonly scope: ChunkScope,
  ) {}

  async run(call: CallSnapshot, snapshot: RunSnapshot, work: CallWork): Promise<void> {
    await this.commit((manager) => this.calls.start(manager, call));
    const workspace = this.openWorkspace(call, snapshot, work.tool);
    const context = this.contextFor(call, snapshot, work, workspace);
    const outcome = await withDeadline(work, context);
    await this.chunks.drain(this.scope);
    await this.finish(call, {
      state: outcome.status,
      content: outcome.content,
      data: outcome.data,
      images: outcome.imagesBase64 ?? [],
      fileIds: workspace.producedFileIds(),
    });
  }

  /** A client tool: the intent is committed, the client's answer ends it. */
  async hand(call: CallSnapshot): Promise<void> {
    await this.commit((manager) => this.calls.start(manager, call));
  }

  async refuse(call: CallSnapshot, content: string): Promise<void> {
    await this.finish(call, this.calls.spoken(call, 'failed', content));
  }

  finish(call: CallSnapshot, result: CallResult): Promise<void> {
    return this.commit((manager) => this.calls.end(manager, call, result));
  }

  private openWorkspace(call: CallSnapshot, snapshot: RunSnapshot, tool: string) {
    const turn = snapshot.messages.filter((message) => message.role === 'user').length;
    return this.workspaces.open({
      ...this.scope,
      owner: snapshot.owner,
      toolCallId: call.id,
      tool,
      round: call.round,
      turn,
      onFile: async (file) => {
        const object = await this.files.toObject(file, { inline: false });
        await this.commit(() => Promise.resolve([{ type: 'file', file: object, tool_call_id: call.id }]));
      },
      onMissingFile: (file) =>
        this.commit(() => Promise.resolve([{ type: 'file', file, tool_call_id: call.id }])),
      onStateLost: (reason) => this.commit(() => Promise.resolve([{ type: 'sandbox_state_lost', reason }])),
    });
  }

  private contextFor(
    call: CallSnapshot,
    snapshot: RunSnapshot,
    work: CallWork,
    workspace: ToolContext['workspace'],
  ): ToolContext {
    const written = { stdout: 0, stderr: 0 };
    return {
      sessionId: snapshot.sessionId,
      runId: snapshot.runId,
      toolCallId: call.id,
      round: call.round,
      generation: this.scope.generation,
      timeoutMs: work.timeoutMs,
      signal: work.signal,
      workspace,
      emitOutput: (stream, text) => {
        const offset = written[stream];
        written[stream] += text.length;
        return this.chunks.write(this.scope, {
          type: 'agentic_tool_output',
          round: call.round,
          tool_call_id: call.id,
          stream,
          text,
          offset,
        });
      },
    };
  }

  private commit(work: (manager: EntityManager) => Promise<readonly EventPayload[]>): Promise<void> {
    return commitFenced(this.log, this.scope, async (manager, append) => {
      await append(await work(manager));
    });
  }
}

/** Tools keep their own time; one that does not come back is left behind, and its late result is dropped. */
async function withDeadline(work: CallWork, context: ToolContext): Promise<ToolOutcome> {
  const overdue = new AbortController();
  const signal = AbortSignal.any([context.signal, overdue.signal]);
  const { promise, resolve } = Promise.withResolvers<ToolOutcome>();
  const timer = setTimeout(() => {
    overdue.abort();
    resolve({
      status: 'timed_out',
      content: `Error: the tool did not end within ${Math.round(work.timeoutMs / 1000)} s.`,
      data: { tool_type: 'custom', content: 'timed out' },
    });
  }, work.timeoutMs + WIND_UP_MS);
  try {
    return await Promise.race([work.work({ ...context, signal }), promise]);
  } finally {
    clearTimeout(timer);
  }
}
