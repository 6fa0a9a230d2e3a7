import { CLOSE_CODES } from '../gateway/frames.js';
import { GantryClientError } from './client-error.js';
import type { ClientSocket, OpenSocket, SocketTarget } from './client-socket.js';

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 5_000;

export type ConnectionStatus =
  | { readonly state: 'connected' }
  /** The connection broke and is made anew after `delayMs`. */
  | {
      readonly state: 'reconnecting';
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  /** For good: closed by us, or the server does not let us in any more. */
  | { readonly state: 'closed'; readonly error: GantryClientError };

export interface ReconnectingSocketListener {
  onOpen(): void;
  onText(text: string): void;
  /** It was open and is not; unless `closed` follows it will be open again. */
  onLost(): void;
  onStatus(status: ConnectionStatus): void;
}

type State =
  | { readonly type: 'idle' }
  | { readonly type: 'connecting'; readonly socket: ClientSocket; readonly attempt: number }
  | { readonly type: 'open'; readonly socket: ClientSocket }
  | { readonly type: 'waiting'; readonly timer: ReturnType<typeof setTimeout> }
  | { readonly type: 'closed'; readonly error: GantryClientError };

/**
 * A connection that comes back by itself: full jitter between 0 and 250 ms, doubled each time up to 5 s.
 * The first one is not repeated when it fails, so that a wrong address is told at once.
 */
export class ReconnectingSocket {
  private state: State = { type: 'idle' };
  private opening: PromiseWithResolvers<void> | undefined;
  private wasOpen = false;

  constructor(
    private readonly target: SocketTarget,
    private readonly openSocket: OpenSocket,
    private readonly listener: ReconnectingSocketListener,
    private readonly random: () => number,
  ) {}

  get isOpen(): boolean {
    return this.state.type === 'open';
  }

  /** Resolves once it has been open. Rejects with `refused`, `unreachable` or `closed`. */
  open(): Promise<void> {
    if (this.state.type === 'closed') return Promise.reject(this.state.error);
    if (this.wasOpen) return Promise.resolve();
    if (this.opening === undefined) {
      this.opening = Promise.withResolvers<void>();
      this.connect(0);
    }
    return this.opening.promise;
  }

  send(text: string): void {
    if (this.state.type === 'open') this.state.socket.send(text);
  }

  close(): void {
    this.end(new GantryClientError('closed', 'This client was closed.'));
  }

  private connect(attempt: number): void {
    let isCurrent = true;
    const socket = this.openSocket(this.target, {
      onOpen: () => {
        if (!isCurrent || this.state.type !== 'connecting') return;
        this.state = { type: 'open', socket };
        this.wasOpen = true;
        this.listener.onStatus({ state: 'connected' });
        this.listener.onOpen();
        this.opening?.resolve();
      },
      onText: (text) => {
        if (isCurrent && this.state.type === 'open') this.listener.onText(text);
      },
      onClose: (code, reason, refusal) => {
        if (!isCurrent) return;
        isCurrent = false;
        this.lost(attempt, code, reason, refusal);
      },
    });
    this.state = { type: 'connecting', socket, attempt };
  }

  private lost(attempt: number, code: number, reason: string, refusal: GantryClientError | undefined): void {
    if (this.state.type === 'closed') return;
    const wasOpenNow = this.state.type === 'open';
    const fatal = fatalError(code, reason, refusal);
    if (!this.wasOpen) {
      this.state = { type: 'idle' };
      const opening = this.opening;
      this.opening = undefined;
      opening?.reject(
        fatal ?? refusal ?? new GantryClientError('unreachable', unreachable(this.target, reason)),
      );
      return;
    }
    if (fatal !== undefined) {
      this.end(fatal);
      return;
    }
    const next = wasOpenNow ? 0 : attempt + 1;
    const delayMs = Math.round(this.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** next));
    this.state = { type: 'waiting', timer: setTimeout(() => this.connect(next), delayMs) };
    if (wasOpenNow) this.listener.onLost();
    this.listener.onStatus({
      state: 'reconnecting',
      attempt: next + 1,
      delayMs,
      reason: reason || `close code ${code}`,
    });
  }

  private end(error: GantryClientError): void {
    const { state } = this;
    if (state.type === 'closed') return;
    this.state = { type: 'closed', error };
    if (state.type === 'waiting') clearTimeout(state.timer);
    if (state.type === 'open' || state.type === 'connecting') state.socket.close();
    this.opening?.reject(error);
    this.listener.onStatus({ state: 'closed', error });
  }
}

/** What trying again cannot mend. A server that is starting answers 503 and is tried again. */
function fatalError(
  code: number,
  reason: string,
  refusal: GantryClientError | undefined,
): GantryClientError | undefined {
  if (refusal?.status !== undefined && refusal.status < 500 && refusal.status !== 429) {
    return new GantryClientError('refused', refusal.message, {
      status: refusal.status,
      ...(refusal.error && { error: refusal.error }),
    });
  }
  const isFatal = code === CLOSE_CODES.unauthenticated || code === CLOSE_CODES.forbidden;
  return isFatal ? new GantryClientError('refused', reason) : undefined;
}

function unreachable({ baseUrl }: SocketTarget, reason: string): string {
  return `No Gantry server answers at ${baseUrl}${reason === '' ? '' : ` (${reason})`}.`;
}
