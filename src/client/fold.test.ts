import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventPayload, GantryEvent } from '../events/event.js';
import type { WireEvent } from '../gateway/frames.js';
import { mergeEvents } from '../gateway/merge-events.js';
import { applyItem, fold } from './fold.js';
import { EMPTY_TRANSCRIPT } from './transcript.js';

type Step =
  | { readonly do: 'text' | 'reasoning' | 'arguments'; readonly text: string }
  | { readonly do: 'stdout' | 'stderr'; readonly text: string }
  | { readonly do: 'reset'; readonly share: number }
  | { readonly do: 'call' | 'complete' | 'ask' | 'decide' | 'cancel' | 'file' | 'round' };

const text = fc.string({ maxLength: 6, unit: 'grapheme' });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('text' as const, 'reasoning' as const), text }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('arguments' as const), text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('stdout' as const, 'stderr' as const), text }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reset' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('call', 'complete', 'ask', 'decide', 'cancel', 'file', 'round'),
    }) as fc.Arbitrary<Step>,
  },
);

/** A log that a server could write: offsets and rounds follow from what came before. */
function writeLog(steps: readonly Step[]): GantryEvent[] {
  let [round, attempt] = [0, 0];
  const written = { text: '', reasoning: '', arguments: '', stdout: '', stderr: '' };
  const callId = () => `call_${round}`;
  const chunk = (offset: number, delta: object): EventPayload => ({
    type: 'chunk',
    round,
    attempt,
    offset,
    choices: [{ index: 0, delta, finish_reason: null }],
  });
  const payloadOf = (action: Step): EventPayload => {
    switch (action.do) {
      case 'text':
      case 'reasoning': {
        const offset = written[action.do].length;
        written[action.do] += action.text;
        return chunk(offset, { [action.do === 'text' ? 'content' : 'reasoning_content']: action.text });
      }
      case 'arguments': {
        const offset = written.arguments.length;
        written.arguments += action.text;
        const call = { index: 0, id: callId(), function: { name: 'python', arguments: action.text } };
        return chunk(offset, { tool_calls: [call] });
      }
      case 'stdout':
      case 'stderr': {
        const offset = written[action.do].length;
        written[action.do] += action.text;
        return {
          type: 'agentic_tool_output',
          round,
          tool_call_id: callId(),
          stream: action.do,
          text: action.text,
          offset,
        };
      }
      case 'reset': {
        written.text = written.text.slice(0, Math.floor(written.text.length * action.share));
        written.reasoning = written.reasoning.slice(0, Math.floor(written.reasoning.length * action.share));
        written.arguments = '';
        attempt += 1;
        return {
          type: 'stream_reset',
          round,
          attempt,
          to_offset: written.text.length,
          to_reasoning_offset: written.reasoning.length,
          cause: 'engine_crash',
        };
      }
      case 'call':
      case 'complete':
        return {
          type: 'agentic_tool_call_progress',
          round,
          tool_call_id: callId(),
          tool_name: 'python',
          phase: action.do === 'call' ? 'calling' : 'complete',
          data: { tool_type: 'code_execution' },
        };
      case 'ask':
        return {
          type: 'agentic_tool_approval_required',
          approval_id: `appr_${round}`,
          round,
          tool_call_id: callId(),
          tool_name: 'python',
          tool: { source: 'built_in', kind: 'code_execution', label: 'Python' },
          arguments: {},
          expires_at: null,
        };
      case 'decide':
        return {
          type: 'agentic_tool_approval_resolved',
          approval_id: `appr_${round}`,
          tool_call_id: callId(),
          decision: 'approve',
          decided_by: 'owner',
          message: null,
        };
      case 'cancel':
        return { type: 'tool_call_cancelled', round, tool_call_id: callId() };
      case 'file': {
        const file = {
          id: `file_${round}`,
          name: 'plot.png',
          bytes: 1,
          created_at: 0,
          purpose: 'agent_output',
        };
        return { type: 'file', file, tool_call_id: callId() };
      }
      case 'round':
        round += 1;
        attempt = 0;
        for (const key of ['text', 'reasoning', 'arguments', 'stdout', 'stderr'] as const) written[key] = '';
        return { type: 'run_started', generation: round, model: 'demo' };
      default:
        return action satisfies never;
    }
  };
  return steps.map((action, index) => ({
    ...payloadOf(action),
    seq: index + 1,
    session_id: 'sess_1',
    run_id: 'run_1',
    ts: index,
  }));
}

function merged(events: readonly WireEvent[], choose: readonly boolean[]): WireEvent[] {
  const out: WireEvent[] = [];
  for (const [index, event] of events.entries()) {
    const last = out.at(-1);
    const joined =
      last !== undefined && choose[index % choose.length] === true ? mergeEvents(last, event) : undefined;
    if (joined === undefined) out.push(event);
    else out[out.length - 1] = joined;
  }
  return out;
}

const log = fc.array(step, { maxLength: 60 }).map(writeLog);

describe('fold', () => {
  test('replay and live are the same, however it was merged, cut and repeated', () => {
    fc.assert(
      fc.property(
        log,
        fc.array(fc.boolean(), { minLength: 1 }),
        fc.nat(60),
        fc.nat(60),
        (events, choose, cut, back) => {
          const whole = fold(events);
          expect(fold(merged(events, choose))).toEqual(whole);
          const seen = fold(events.slice(0, cut));
          const resumed = events.slice(Math.max(0, cut - back));
          expect(fold(resumed, seen)).toEqual(whole);
          expect(fold([...events, ...events])).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('leaves what it is given alone', () => {
    fc.assert(
      fc.property(log, (events) => {
        const frozen = JSON.stringify(fold(events.slice(0, -1)));
        const before = fold(events.slice(0, -1));
        const last = events.at(-1);
        if (last !== undefined) applyItem(before, last);
        expect(JSON.stringify(before)).toBe(frozen);
      }),
    );
  });

  test('a reset takes back what was not kept', () => {
    const events = writeLog([
      { do: 'text', text: 'Hello wor' },
      { do: 'arguments', text: '{"co' },
      { do: 'reset', share: 0.5 },
      { do: 'text', text: ' again' },
    ]);
    const [run] = fold(events).entries;
    expect(run).toMatchObject({ type: 'run', rounds: [{ content: 'Hell again', calls: [] }] });
  });

  test('shows a message, a call from draft to end, and how the run ended', () => {
    const at = (seq: number, payload: EventPayload): GantryEvent => ({
      ...payload,
      seq,
      session_id: 'sess_1',
      run_id: 'run_1',
      ts: 0,
    });
    const events = [
      at(1, { type: 'message', message_id: 'msg_1', role: 'user', content: 'plot it' }),
      ...writeLog([
        { do: 'arguments', text: '{}' },
        { do: 'call' },
        { do: 'ask' },
        { do: 'decide' },
        { do: 'stdout', text: 'one\n' },
        { do: 'complete' },
      ]).map((event) => ({ ...event, seq: event.seq + 1 })),
      at(8, { type: 'internal_error', message: 'broken' }),
    ];
    const transcript = fold(events, EMPTY_TRANSCRIPT);
    expect(transcript).toMatchObject({
      seq: 8,
      entries: [
        { type: 'message', content: 'plot it' },
        {
          type: 'run',
          phase: 'ended',
          error: 'broken',
          rounds: [
            {
              calls: [
                {
                  tool_call_id: 'call_0',
                  name: 'python',
                  arguments_text: '{}',
                  phase: 'complete',
                  stdout: 'one\n',
                  approval: { decision: 'approve', decided_by: 'owner' },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('a call has its place in the line for a sandbox as long as it stands there', () => {
    const placed = (seq: number, queue_position: number): GantryEvent => ({
      type: 'agentic_tool_call_progress',
      round: 0,
      tool_call_id: 'call_0',
      tool_name: 'python',
      phase: 'calling',
      queue_position,
      data: { tool_type: 'code_execution' },
      seq,
      session_id: 'sess_1',
      run_id: 'run_1',
      ts: 0,
    });
    const placeAfter = (...events: readonly GantryEvent[]): unknown => {
      const [run] = fold(events).entries;
      return run?.type === 'run' ? run.rounds[0]?.calls.map((call) => call.queue_position) : undefined;
    };
    expect(placeAfter(placed(1, 2), placed(2, 1))).toEqual([1]);
    expect(placeAfter(placed(1, 2), placed(2, 0))).toEqual([null]);
    const [complete] = writeLog([{ do: 'complete' }]).map((event) => ({ ...event, seq: 2 }));
    expect(placeAfter(placed(1, 2), ...(complete === undefined ? [] : [complete]))).toEqual([null]);
  });
});
