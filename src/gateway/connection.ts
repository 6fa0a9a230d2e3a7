import { toWireError } from '../api/wire-error.js';
import { DomainError } from '../errors.js';
import type { ConnectionSocket } from './connection-socket.js';
import { dispatchFrame, laneOf } from './dispatch-frame.js';
import { CLOSE_CODES, MAX_FRAME_BYTES } from './frames.js';
import type { ClientFrame } from './frames.js';
import type { GatewayServices } from './gateway-services.js';
import { Lanes } from './lanes.js';
import { OUTBOX_LIMITS, Outbox } from './outbox.js';
import type { OutboxLimits } from './outbox.js';
import { parseFrame, refuseFrame } from './parse-frame.js';
import type { ParsedFrame } from './parse-frame.js';
import { Subscriptions } from './subscriptions.js';

const MAX_FRAMES_IN_FLIGHT = 64;
const PING_MS = 20_000;
const MISSES_ALLOWED = 2;
/** How long a closing server waits for one connection to take what is queued for it. */
const FLUSH_MS = 2_000;

export interface ConnectionOptions {
  readonly limits?: OutboxLimits;
  /** For what was not expected; the client only hears that it happened. */
  readonly report: (error: unknown) => void;
}

/** `shutting_down`: closing because the server goes, not the client. */
type ConnectionState = 'open' | 'closing' | 'shutting_down' | 'closed';

/**
 * One client on `/v1/ws`. Every frame is answered by exactly one ack or error. Nothing here throws, and
 * nothing a client does reaches past its own connection.
 */
export class Connection {
  private state: ConnectionState = 'open';
  private framesInFlight = 0;
  private missedPings = 0;
  private readonly lanes = new Lanes();
  private readonly outbox: Outbox;
  private readonly subscriptions: Subscriptions;
  private readonly heartbeat: NodeJS.Timeout;
  /** Runs that end with this connection. */
  private readonly tiedRuns = new Set<string>();

  constructor(
    private readonly socket: ConnectionSocket,
    private readonly services: GatewayServices,
    private readonly options: ConnectionOptions,
  ) {
    this.outbox = new Outbox(socket, options.limits ?? OUTBOX_LIMITS, (sessionId, lastSeq) =>
      this.close(CLOSE_CODES.slowReader, `slow reader: ${sessionId} after ${lastSeq}`),
    );
    this.subscriptions = new Subscriptions(services, this.outbox, {
      onRunEnded: (runId) => this.tiedRuns.delete(runId),
      onFailed: (error) => {
        this.options.report(error);
        this.close(CLOSE_CODES.internal, 'The event stream broke; subscribe again from the last seq.');
      },
    });
    this.heartbeat = setInterval(() => this.beat(), PING_MS);
  }

  /** `text` undefined: a binary message. */
  receive(text: string | undefined): void {
    if (this.state !== 'open') return;
    this.alive();
    if (text === undefined) {
      this.answer(refuseFrame('binary_frame', 'Frames are JSON text; files are uploaded over HTTP.'));
    } else if (Buffer.byteLength(text) > MAX_FRAME_BYTES) {
      this.answer(refuseFrame('frame_too_large', `A frame has at most ${MAX_FRAME_BYTES} bytes.`));
      this.close(CLOSE_CODES.tooLarge, 'frame too large');
    } else this.answer(parseFrame(text));
  }

  /** The client showed that it is there. */
  alive(): void {
    this.missedPings = 0;
  }

  /** The socket is gone. Runs go on without it, except those that asked not to. */
  closed(): void {
    if (this.state === 'closed') return;
    const clientWent = this.state !== 'shutting_down';
    this.state = 'closed';
    this.release();
    if (clientWent) this.cancelTiedRuns();
    this.tiedRuns.clear();
  }

  /** Sends what is queued, within 2 s, then says 1001. Resolves when the close frame is on its way. */
  async shutdown(): Promise<void> {
    if (this.state !== 'open') return;
    this.subscriptions.closeAll();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    await Promise.race([this.outbox.drained(), late]);
    clearTimeout(timer);
    this.close(CLOSE_CODES.shutdown, 'The server is shutting down.');
  }

  private answer(parsed: ParsedFrame): void {
    if (!parsed.ok) {
      this.outbox.answer({ type: 'error', id: parsed.id, error: parsed.error });
      return;
    }
    const { frame } = parsed;
    if (this.framesInFlight >= MAX_FRAMES_IN_FLIGHT) {
      this.refuse(
        frame.id,
        new DomainError(
          'rate_limited',
          `At most ${MAX_FRAMES_IN_FLIGHT} frames may be unanswered: wait for answers.`,
          { reason: 'rate_limited' },
        ),
      );
      return;
    }
    void this.handle(frame);
  }

  /** Never rejects. */
  private async handle(frame: ClientFrame): Promise<void> {
    this.framesInFlight += 1;
    try {
      const lane = laneOf(frame);
      const work = () => this.dispatch(frame);
      await (lane === undefined ? work() : this.lanes.run(lane, work));
    } catch (error) {
      this.refuse(frame.id, error);
    } finally {
      this.framesInFlight -= 1;
    }
  }

  private async dispatch(frame: ClientFrame): Promise<void> {
    const outcome = await dispatchFrame(frame, this.services, this.subscriptions);
    if (outcome.tiedRun !== undefined) this.tie(outcome.tiedRun);
    this.outbox.answer({ type: 'ack', id: frame.id, result: outcome.result });
    if (this.state === 'open') outcome.afterAck?.();
  }

  private refuse(id: string, error: unknown): void {
    const { status, body } = toWireError(error);
    if (status === 500) this.options.report(error);
    this.outbox.answer({ type: 'error', id, error: body });
  }

  private tie(runId: string): void {
    this.tiedRuns.add(runId);
    if (this.state === 'closed') this.cancelTiedRuns();
  }

  private cancelTiedRuns(): void {
    for (const runId of this.tiedRuns)
      this.services.cancel({ run_id: runId }).catch((error: unknown) => this.options.report(error));
    this.tiedRuns.clear();
  }

  private beat(): void {
    if (this.missedPings >= MISSES_ALLOWED) {
      this.close(CLOSE_CODES.pingTimeout, 'No answer to two pings.');
      this.socket.terminate();
      return;
    }
    this.missedPings += 1;
    this.socket.ping();
  }

  private close(code: number, reason: string): void {
    if (this.state !== 'open') return;
    this.state = code === CLOSE_CODES.shutdown ? 'shutting_down' : 'closing';
    this.release();
    this.socket.close(code, reason);
  }

  private release(): void {
    clearInterval(this.heartbeat);
    this.subscriptions.closeAll();
    this.outbox.close();
  }
}
