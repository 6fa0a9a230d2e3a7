import type { LiveMarker } from './event-log.js';
import type { GantryEvent } from './event.js';

/** The session as it stands at `seq`, in place of events that are gone. */
export interface SnapshotMarker {
  readonly type: 'snapshot';
  readonly session_id: string;
  readonly seq: number;
  /** As exported. */
  readonly session: unknown;
}

interface LogReading {
  readonly sessionId: string;
  /** Where the reader is. */
  readonly afterSeq: number;
  /** The session's, when the reading began. */
  readonly lastSeq: number;
  readonly items: AsyncIterable<GantryEvent | LiveMarker>;
}

/**
 * What `EventLog.subscribe` gives, without holes: where events are gone, since the session was replaced, a snapshot
 * stands for all up to its seq. `live` says how far the reader is then.
 */
export async function* bridgeGaps(
  { sessionId, afterSeq, lastSeq, items }: LogReading,
  snapshot: () => Promise<{ readonly seq: number; readonly session: unknown }>,
): AsyncGenerator<GantryEvent | LiveMarker | SnapshotMarker> {
  let cursor = afterSeq;
  for await (const item of items) {
    const wanted = item.type === 'live' ? Math.max(item.seq, lastSeq) : item.seq - 1;
    if (wanted > cursor) {
      const { seq, session } = await snapshot();
      cursor = seq;
      yield { type: 'snapshot', session_id: sessionId, seq, session };
    }
    if (item.type === 'live') yield { ...item, seq: cursor };
    else if (item.seq > cursor) {
      cursor = item.seq;
      yield item;
    }
  }
}
