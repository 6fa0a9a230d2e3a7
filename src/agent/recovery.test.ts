import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JournalEvent } from './partial-turn.js';
import { foldPartialTurn } from './partial-turn.js';
import { planRecovery } from './recovery-plan.js';
import { TurnRecorder } from './turn-recorder.js';

const complete = { id: 'call_1', name: 'python', arguments: '{"code":"1"}', complete: true };
const inFlight = { id: 'call_2', name: 'python', arguments: '{"co', complete: false };

describe('planRecovery', () => {
  test.each([
    ['nothing', undefined, 'whole_restart'],
    ['text', { text: 'The sea', reasoning: '', calls: [] }, 'continue_text'],
    ['a thought', { text: '', reasoning: 'Hm', calls: [] }, 'continue_text'],
    ['text and a call in flight', { text: 'Now', reasoning: '', calls: [inFlight] }, 'truncate_before_tool'],
    ['a complete call', { text: '', reasoning: '', calls: [complete] }, 'synthesize_tool_use'],
    [
      'a complete call and one in flight',
      { text: '', reasoning: '', calls: [complete, inFlight] },
      'synthesize_tool_use',
    ],
  ] as const)('%s', (_what, partial, type) => {
    expect(planRecovery(partial).type).toBe(type);
  });

  test('keeps the complete calls and names those that are cut', () => {
    expect(planRecovery({ text: 'a', reasoning: 'b', calls: [complete, inFlight] })).toEqual({
      type: 'synthesize_tool_use',
      text: 'a',
      reasoning: 'b',
      calls: [{ id: 'call_1', name: 'python', arguments: '{"code":"1"}' }],
      cancelledCallIds: ['call_2'],
    });
  });
});

describe('the journalled turn', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('text' as const), text: fc.string({ minLength: 1 }) }),
      fc.record({ kind: fc.constant('reasoning' as const), text: fc.string({ minLength: 1 }) }),
    ),
  );

  test('prefix and continuation make the whole, over any number of interruptions', () => {
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 1, maxLength: 5 }), (attempts) => {
        const journal: JournalEvent[] = [];
        let text = '';
        let reasoning = '';
        for (const [attempt, parts] of attempts.entries()) {
          const partial = foldPartialTurn(journal);
          expect([partial?.text ?? '', partial?.reasoning ?? '']).toEqual([text, reasoning]);
          if (partial) {
            journal.push({
              type: 'stream_reset',
              round: 0,
              attempt,
              to_offset: partial.text.length,
              to_reasoning_offset: partial.reasoning.length,
              cause: 'engine_crash',
            });
          }
          const recorder = new TurnRecorder(0, attempt, partial);
          for (const part of parts) {
            journal.push(
              part.kind === 'text' ? recorder.addText(part.text) : recorder.addReasoning(part.text),
            );
            if (part.kind === 'text') text += part.text;
            else reasoning += part.text;
          }
          expect([recorder.text, recorder.reasoning]).toEqual([text, reasoning]);
        }
      }),
    );
  });

  test('a call counts as complete only when its last brace has come', () => {
    const recorder = new TurnRecorder(0, 0, undefined);
    const started = recorder.startCall('call_1', 'python');
    const half = recorder.addArguments('call_1', '{"code": "print(1)"');
    const rest = recorder.addArguments('call_1', '}');
    if (!half || !rest) throw new Error('the call was started');
    expect(foldPartialTurn([started, half])?.calls).toMatchObject([{ complete: false }]);
    expect(foldPartialTurn([started, half, rest])?.calls).toEqual([
      { id: 'call_1', name: 'python', arguments: '{"code": "print(1)"}', complete: true },
    ]);
  });

  test('a reset drops the calls of the attempt before', () => {
    const recorder = new TurnRecorder(0, 0, undefined);
    const journal: JournalEvent[] = [
      recorder.addText('Let me see.'),
      recorder.startCall('call_1', 'python'),
      {
        type: 'stream_reset',
        round: 0,
        attempt: 1,
        to_offset: 7,
        to_reasoning_offset: 0,
        cause: 'idle_stall',
      },
    ];
    expect(foldPartialTurn(journal)).toEqual({ text: 'Let me ', reasoning: '', calls: [] });
  });
});
