import { expect, test } from 'vitest';
import { fold } from './fold.js';

test('a run shows each time that its context was made shorter', () => {
  const compacted = {
    round: 0,
    results_trimmed: 2,
    turns_summarised: 3,
    turns_dropped: 0,
    rounds_summarised: 0,
    rounds_dropped: 0,
    tokens_before: 1900,
    tokens_after: 700,
    budget: 1536,
    context_size: 2048,
    summary: 'They plotted a sine.',
  };
  const [run] = fold([
    { type: 'context_compacted', ...compacted, seq: 1, session_id: 'sess_1', run_id: 'run_1', ts: 0 },
  ]).entries;
  expect(run).toMatchObject({ type: 'run', compactions: [compacted] });
});

test('tells of attempts that are begun anew, and who answers instead of whom', () => {
  const at = { session_id: 'sess_1', run_id: 'run_1', ts: 0, round: 0 };
  const [run] = fold([
    {
      type: 'inference_retry',
      attempt: 0,
      code: 'provider',
      message: 'It is busy.',
      delay_ms: 500,
      retry: 1,
      max_retries: 2,
      seq: 1,
      ...at,
    },
    {
      type: 'model_fallback',
      attempt: 1,
      model: 'second',
      passed_over: [{ model: 'first', message: 'It is busy.' }],
      seq: 2,
      ...at,
    },
  ]).entries;
  expect(run).toMatchObject({ type: 'run', model: 'second', notices: ['It is busy.'] });
});
