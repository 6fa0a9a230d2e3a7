import { isTerminalEvent } from '../../src/events/event.js';
import type { OpenSocket } from '../../src/client/client-socket.js';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import type { WireEvent } from '../../src/gateway/frames.js';
import { TEST_API_KEY } from '../support/server-process.js';
import { until } from '../support/until.js';

/** Seqs as they came over the wire, before the client's own bookkeeping could mend anything. */
interface WirePlace {
  last: number;
  lost: number;
  repeated: number;
}

/** A client that follows sessions through every crash and keeps all that it was given. */
export class EventCollector {
  readonly client: GantryClient;
  /** How often a connection was opened. */
  connections = 0;
  private readonly events = new Map<string, WireEvent[]>();
  private readonly places = new Map<string, WirePlace>();
  private readonly readers: Promise<void>[] = [];
  private readonly stopping = new AbortController();
  private failure: unknown;

  constructor(url: string) {
    this.client = new GantryClient({ url, apiKey: TEST_API_KEY, openSocket: this.tappedSocket() });
  }

  follow(sessionId: string): void {
    if (this.events.has(sessionId)) return;
    this.events.set(sessionId, []);
    this.places.set(sessionId, { last: 0, lost: 0, repeated: 0 });
    this.readers.push(
      this.read(sessionId).catch((error: unknown) => {
        this.failure ??= error;
      }),
    );
  }

  sessionIds(): readonly string[] {
    return [...this.events.keys()];
  }

  eventsOf(sessionId: string): readonly WireEvent[] {
    return this.events.get(sessionId) ?? [];
  }

  /** Whether some run has started, as far as is known here, and not ended. */
  hasOpenRun(): boolean {
    return [...this.events.values()].some((events) => {
      const last = events.findLast(({ type }) => type === 'run_started');
      return last !== undefined && !events.some((e) => e.run_id === last.run_id && isTerminalEvent(e));
    });
  }

  /** Over all sessions: seqs that the server left out, and seqs that it sent twice. */
  wireFaults(): { lost: number; repeated: number } {
    const places = [...this.places.values()];
    return {
      lost: places.reduce((sum, place) => sum + place.lost, 0),
      repeated: places.reduce((sum, place) => sum + place.repeated, 0),
    };
  }

  /** The event that ends the run. */
  ending(sessionId: string, runId: string, boundMs: number): Promise<WireEvent> {
    return this.first(
      `run ${runId} ends`,
      sessionId,
      boundMs,
      (event) => event.run_id === runId && isTerminalEvent(event),
    );
  }

  first(
    what: string,
    sessionId: string,
    boundMs: number,
    matches: (event: WireEvent) => boolean,
  ): Promise<WireEvent> {
    return until(what, boundMs, () => {
      if (this.failure !== undefined) throw this.failure;
      return this.eventsOf(sessionId).find(matches);
    });
  }

  /** Ends when each session has been followed up to its seq in `lastSeqs`. */
  async catchUp(lastSeqs: ReadonlyMap<string, number>, boundMs: number): Promise<void> {
    for (const [sessionId, seq] of lastSeqs) {
      await until(`session ${sessionId} is followed to ${seq}`, boundMs, () => {
        if (this.failure !== undefined) throw this.failure;
        return seq === 0 || (this.eventsOf(sessionId).at(-1)?.seq ?? 0) >= seq;
      });
    }
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.readers);
    this.client.close();
  }

  private async read(sessionId: string): Promise<void> {
    const { signal } = this.stopping;
    for await (const item of this.client.session(sessionId).events({ signal })) {
      if (item.type === 'live') continue;
      if (item.type === 'snapshot')
        throw new Error(`session ${sessionId}: a snapshot, though nothing was deleted`);
      this.events.get(sessionId)?.push(item);
    }
  }

  private tappedSocket(): OpenSocket {
    return (target, listener) =>
      openNodeSocket(target, {
        onOpen: () => {
          this.connections += 1;
          listener.onOpen();
        },
        onText: (text) => {
          this.tap(text);
          listener.onText(text);
        },
        onClose: (code, reason, refusal) => listener.onClose(code, reason, refusal),
      });
  }

  private tap(text: string): void {
    const frame = JSON.parse(text) as {
      seq?: number;
      first_seq?: number;
      session_id?: string;
      type: string;
      ts?: number;
    };
    if (frame.seq === undefined || frame.ts === undefined) return;
    const place = this.places.get(frame.session_id ?? '');
    if (place === undefined) return;
    const first = frame.first_seq ?? frame.seq;
    if (first > place.last + 1) place.lost += first - place.last - 1;
    if (first <= place.last) place.repeated += Math.min(place.last, frame.seq) - first + 1;
    place.last = Math.max(place.last, frame.seq);
  }
}
