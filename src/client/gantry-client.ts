import { z } from 'zod';
import { isTerminalEvent } from '../events/event.js';
import type { WireEvent } from '../gateway/frames.js';
import type {
  ApprovalDecision,
  CancelKeys,
  CreateRunRequest,
  InvokeToolRequest,
  ToolResultSubmission,
} from '../runs/run-request.js';
import { approvalViewSchema, runViewSchema } from '../runs/run-view.js';
import type { ApprovalView } from '../runs/run-view.js';
import { sessionViewSchema } from '../sessions/session-request.js';
import type { CreateSessionRequest, SessionView } from '../sessions/session-request.js';
import { ApprovalsApi } from './approvals-api.js';
import { GantryClientError } from './client-error.js';
import type { OpenSocket, SocketTarget } from './client-socket.js';
import { decodeServerText } from './decode-server-text.js';
import type { StreamItem } from './decode-server-text.js';
import { FilesApi } from './files-api.js';
import { HttpApi } from './http-api.js';
import { ModelsApi } from './models-api.js';
import { ReconnectingSocket } from './reconnecting-socket.js';
import type { ConnectionStatus } from './reconnecting-socket.js';
import { RequestTable } from './request-table.js';
import type { RequestFrame } from './request-table.js';
import { SessionStreams } from './session-streams.js';
import { SessionsApi } from './sessions-api.js';
import { openTicketSocket } from './ticket-socket.js';

const REQUEST_TIMEOUT_MS = 30_000;

export interface GantryClientOptions {
  /** Of the server, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly apiKey: string;
  /** Default: the platform's WebSocket with a ticket. */
  readonly openSocket?: OpenSocket;
  readonly requestTimeoutMs?: number;
  readonly onStatus?: (status: ConnectionStatus) => void;
  /** 0 to 1; spreads the reconnects of many clients. */
  readonly random?: () => number;
}

const createdRunSchema = z.object({
  run: runViewSchema,
  session_id: z.string(),
  /** False: the same idempotency key had made this run before. */
  created: z.boolean(),
  /** Reading the session after this seq gives the run from its first event on. */
  after_seq: z.number().int(),
});
export type CreatedRun = z.infer<typeof createdRunSchema>;

export interface ReadOptions {
  /** Default 0: from the start. */
  readonly afterSeq?: number;
  readonly signal?: AbortSignal;
}

/**
 * A connection to a Gantry server that mends itself. Requests that are the same when made twice are made
 * again after a reconnect: runs and tool calls get an idempotency key, decisions a decision key. Others
 * reject with `connection_lost`. All failures are GantryClientError.
 */
export class GantryClient {
  readonly files: FilesApi;
  readonly sessions: SessionsApi;
  readonly approvals: ApprovalsApi;
  readonly models: ModelsApi;
  private readonly socket: ReconnectingSocket;
  private readonly requests: RequestTable;
  private readonly streams: SessionStreams;
  private readonly timeoutMs: number;

  constructor(options: GantryClientOptions) {
    const target: SocketTarget = { baseUrl: options.url.replace(/\/+$/, ''), apiKey: options.apiKey };
    const http = new HttpApi(target);
    this.files = new FilesApi(http);
    this.sessions = new SessionsApi(http);
    this.approvals = new ApprovalsApi(http);
    this.models = new ModelsApi(http);
    this.timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.socket = new ReconnectingSocket(
      target,
      options.openSocket ?? openTicketSocket,
      {
        onOpen: () => {
          this.requests.onOpen();
          this.streams.onOpen();
        },
        onText: (text) => this.receive(text),
        onLost: () => {
          this.streams.onLost();
          this.requests.onLost();
        },
        onStatus: (status) => {
          if (status.state === 'closed') this.fail(status.error);
          options.onStatus?.(status);
        },
      },
      options.random ?? Math.random,
    );
    this.requests = new RequestTable(this.socket);
    const { socket, requests, timeoutMs } = this;
    this.streams = new SessionStreams({
      get isOpen() {
        return socket.isOpen;
      },
      request: (frame, onAck) =>
        requests.send(frame, { isRepeatable: false, timeoutMs, ...(onAck && { onAck }) }),
    });
  }

  /** Optional: every call connects by itself. Rejects with `refused` or `unreachable`. */
  connect(): Promise<void> {
    return this.socket.open();
  }

  /** Requests that wait reject with `closed`, and so do streams. Runs go on. */
  close(): void {
    this.socket.close();
  }

  createSession(request: CreateSessionRequest = {}): Promise<SessionView> {
    return this.request({ ...request, type: 'session.create' }, sessionViewSchema, 'once');
  }

  createRun(request: CreateRunRequest): Promise<CreatedRun> {
    const idempotencyKey = request.idempotency_key ?? crypto.randomUUID();
    const frame = { ...request, type: 'run.create' as const, idempotency_key: idempotencyKey };
    return this.request(frame, createdRunSchema, 'repeatable');
  }

  invokeTool(request: InvokeToolRequest): Promise<CreatedRun> {
    const idempotencyKey = request.idempotency_key ?? crypto.randomUUID();
    const frame = { ...request, type: 'tool.invoke' as const, idempotency_key: idempotencyKey };
    return this.request(frame, createdRunSchema, 'repeatable');
  }

  /** The ids of the runs that were cancelled. */
  async cancel(keys: CancelKeys): Promise<string[]> {
    const schema = z.object({ cancelled: z.array(z.string()) });
    return (await this.request({ ...keys, type: 'run.cancel' }, schema, 'repeatable')).cancelled;
  }

  async steer(runId: string, text: string): Promise<void> {
    await this.request({ type: 'run.steer', run_id: runId, text }, z.unknown(), 'once');
  }

  async submitToolResult(submission: ToolResultSubmission): Promise<void> {
    await this.request({ ...submission, type: 'tool_result.submit' }, z.unknown(), 'once');
  }

  decide(approvalId: string, decision: ApprovalDecision): Promise<ApprovalView> {
    const decisionKey = decision.decision_key ?? crypto.randomUUID();
    return this.request(
      { ...decision, type: 'approval.decide', approval_id: approvalId, decision_key: decisionKey },
      approvalViewSchema,
      'repeatable',
    );
  }

  /** `events()` may be read several times over and at once. */
  session(sessionId: string): { events(options?: ReadOptions): AsyncGenerator<StreamItem> } {
    return { events: (options) => this.readSession(sessionId, options) };
  }

  /** Makes a run and gives its events up to and including the one that ends it. */
  async *run(request: CreateRunRequest, signal?: AbortSignal): AsyncGenerator<WireEvent> {
    const { run, session_id: sessionId, after_seq: afterSeq } = await this.createRun(request);
    const options = { afterSeq, ...(signal && { signal }) };
    for await (const item of this.readSession(sessionId, options)) {
      if (item.type === 'live' || item.type === 'snapshot' || item.run_id !== run.id) continue;
      yield item;
      if (isTerminalEvent(item)) return;
    }
  }

  private async *readSession(sessionId: string, options: ReadOptions = {}): AsyncGenerator<StreamItem> {
    await this.connect();
    yield* this.streams.read(sessionId, options.afterSeq ?? 0, options.signal);
  }

  private async request<T>(
    frame: RequestFrame,
    schema: z.ZodType<T>,
    repetition: 'once' | 'repeatable',
  ): Promise<T> {
    await this.connect();
    const result = await this.requests.send(frame, {
      isRepeatable: repetition === 'repeatable',
      timeoutMs: this.timeoutMs,
    });
    const parsed = schema.safeParse(result);
    if (parsed.success) return parsed.data;
    const message = `The answer to ${frame.type} has another shape than expected.`;
    throw new GantryClientError('protocol', message, { cause: parsed.error });
  }

  private receive(text: string): void {
    const decoded = decodeServerText(text);
    switch (decoded.type) {
      case 'answer':
        this.requests.settle(decoded.answer);
        return;
      case 'item':
        this.streams.receive(decoded.sessionId, decoded.item);
        return;
      case 'unknown_event':
        this.streams.skip(decoded.sessionId, decoded.firstSeq, decoded.seq);
        return;
      case 'unreadable':
        return;
      default:
        decoded satisfies never;
    }
  }

  private fail(error: GantryClientError): void {
    this.streams.failAll(error);
    this.requests.failAll(error);
  }
}
