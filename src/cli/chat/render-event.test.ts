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
