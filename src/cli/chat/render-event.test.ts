import { expect, test } from 'vitest';
import type { PayloadOf } from '../../events/event.js';
import { PLAIN_STYLE } from '../style.js';
import { renderEvent } from './render-event.js';
import { Screen } from './screen.js';

function shown(...events: readonly Partial<PayloadOf<'agentic_tool_call_progress'>>[]): string {
  let text = '';
  const screen = new Screen((piece) => (text += piece));
  const call = {
    type: 'agentic_tool_call_progress',
    round: 0,
    tool_call_id: 'call_1',
    tool_name: 'python',
    phase: 'calling',
    data: { tool_type: 'code_execution', code: 'print(1)' },
    session_id: 'sess_1',
    run_id: 'run_1',
    ts: 0,
  } as const;
  for (const [index, event] of events.entries())
    renderEvent(screen, PLAIN_STYLE, { ...call, seq: index + 1, ...event });
  return text;
}

test('a call that stands in line shows its places, and its code once', () => {
  const text = shown({}, { queue_position: 2 }, { queue_position: 1 }, { queue_position: 0 });
  expect(text).toBe(
    [
      '[python]',
      '    print(1)',
      '[python waits for a sandbox: place 2 in the line]',
      '[python waits for a sandbox: place 1 in the line]',
      '[python has its sandbox]',
      '',
    ].join('\n'),
  );
});

test('a conversation that was shortened for the model says by how much', () => {
  let text = '';
  renderEvent(new Screen((piece) => (text += piece)), PLAIN_STYLE, {
    type: 'context_compacted',
    round: 0,
    results_trimmed: 1,
    turns_summarised: 6,
    turns_dropped: 2,
    rounds_summarised: 0,
    rounds_dropped: 0,
    tokens_before: 1900,
    tokens_after: 700,
    budget: 1536,
    context_size: 2048,
    summary: 'They plotted a sine.',
    seq: 1,
    session_id: 'sess_1',
    run_id: 'run_1',
    ts: 0,
  });
  expect(text).toBe(
    '[the conversation was shortened for the model: 6 old parts summarised, 2 old parts left out, ' +
      '1 old result trimmed; 1900 to 700 of 2048 tokens]\n',
  );
});

test.each([
  [
    {
      type: 'inference_retry',
      attempt: 0,
      code: 'provider',
      message: 'It is busy.\u001b[2J',
      delay_ms: 500,
      retry: 1,
      max_retries: 2,
    },
    'the model failed and is asked again, 1 of 2: It is busy.',
  ],
  [
    {
      type: 'model_fallback',
      attempt: 0,
      model: 'second',
      passed_over: [{ model: 'first\u001b[2J', message: 'It is busy.' }],
    },
    'second answers instead of first',
  ],
] as const)('what happens to a model is told in a line, control bytes left out', (event, line) => {
  let text = '';
  const at = { round: 0, seq: 1, session_id: 'sess_1', run_id: 'run_1', ts: 0 };
  const told = structuredClone({ ...event, ...at }) as unknown as Parameters<typeof renderEvent>[2];
  renderEvent(new Screen((piece) => (text += piece)), PLAIN_STYLE, told);
  expect(text).toContain(line);
  expect(text).not.toContain('\u001b');
});
