import type { WireEvent } from '../gateway/frames.js';
import type { Compaction, RunEntry } from './transcript.js';

/** What a run says about itself beside its answer. */
export type Notice = Extract<
  WireEvent,
  { type: 'sandbox_state_lost' | 'inference_retry' | 'model_fallback' | 'context_compacted' }
>;

const TYPES: ReadonlySet<string> = new Set<Notice['type']>([
  'sandbox_state_lost',
  'inference_retry',
  'model_fallback',
  'context_compacted',
]);

export function isNotice<T extends { readonly type: string }>(
  event: T,
): event is Extract<T, { readonly type: Notice['type'] }> {
  return TYPES.has(event.type);
}

export function applyNotice(run: RunEntry, event: Notice): RunEntry {
  switch (event.type) {
    case 'sandbox_state_lost':
      return { ...run, notices: [...run.notices, event.reason] };
    case 'inference_retry':
      return { ...run, notices: [...run.notices, event.message] };
    case 'model_fallback':
      return { ...run, model: event.model };
    case 'context_compacted':
      return { ...run, compactions: [...run.compactions, compactionOf(event)] };
    default:
      return event satisfies never;
  }
}

function compactionOf(event: Extract<WireEvent, { type: 'context_compacted' }>): Compaction {
  const {
    type: _type,
    seq: _seq,
    first_seq: _first,
    session_id: _session,
    run_id: _run,
    ts: _ts,
    ...done
  } = event;
  return done;
}
