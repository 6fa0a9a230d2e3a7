import type { PayloadOf } from '../../events/event.js';

/** What the model no longer sees whole, in one line. */
export function compactionLine(event: PayloadOf<'context_compacted'>): string {
  const done = [
    told(event.turns_summarised + event.rounds_summarised, 'part', 'summarised'),
    told(event.turns_dropped + event.rounds_dropped, 'part', 'left out'),
    told(event.results_trimmed, 'result', 'trimmed'),
  ].filter((text) => text !== '');
  const tokens = `${event.tokens_before} to ${event.tokens_after} of ${event.context_size} tokens`;
  return `the conversation was shortened for the model: ${done.join(', ')}; ${tokens}`;
}

function told(count: number, what: string, how: string): string {
  return count === 0 ? '' : `${count} old ${what}${count === 1 ? '' : 's'} ${how}`;
}
