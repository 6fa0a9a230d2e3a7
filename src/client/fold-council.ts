import type { CouncilPayload } from '../events/council-payloads.js';
import { applyDelta } from './fold-round.js';
import type { CouncilEntry, ExpertEntry } from './transcript.js';

/** A council that starts takes the place of an interrupted one. Null: its start was not seen. */
export function applyToCouncil(council: CouncilEntry | null, event: CouncilPayload): CouncilEntry | null {
  if (event.type === 'council_started') {
    const { strategy, experts } = event;
    return { strategy, experts: experts.map(silentExpert), decided_by: null, chosen: null };
  }
  if (council === null) return null;
  switch (event.type) {
    case 'expert_chunk':
      return patchExpert(council, event.expert, (expert) => applyDelta(expert, event.delta, event.offset));
    case 'expert_done':
      return patchExpert(council, event.expert, (expert) => ({
        ...expert,
        phase: event.error === null ? 'done' : 'failed',
        error: event.error?.message ?? null,
      }));
    case 'council_decided':
      return { ...council, decided_by: event.by, chosen: event.chosen };
    default:
      return event satisfies never;
  }
}

function silentExpert(model: string): ExpertEntry {
  return { model, content: '', reasoning: '', calls: [], phase: 'speaking', error: null };
}

function patchExpert(
  council: CouncilEntry,
  place: number,
  patch: (expert: ExpertEntry) => ExpertEntry,
): CouncilEntry {
  const expert = council.experts[place];
  return expert === undefined ? council : { ...council, experts: council.experts.with(place, patch(expert)) };
}
