import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ToolCallState } from '../runs/tool-call-state.js';
import type { RunLimits } from './limits.js';
import { nextStep, type ToolTraits } from './next-step.js';
import type { CallSnapshot, RunSnapshot } from './snapshot.js';
import { snapshotOf } from './snapshot.fixture.js';

const limits: RunLimits = {
  maxToolRounds: 3,
  maxToolCalls: 10,
  maxWallTimeMs: 60_000,
  maxTotalTokens: 1000,
  toolTimeoutMs: 1000,
};
const traits: ToolTraits = { isClientTool: (name) => name === 'client', isPure: (name) => name === 'pure' };
const step = (snapshot: Partial<RunSnapshot>, activeMs = 0) =>
  nextStep(snapshotOf(snapshot), limits, activeMs, traits);

function call(index: number, state: ToolCallState, name = 'python'): CallSnapshot {
  return {
    id: `call_${index}`,
    round: 0,
    index,
    name,
    arguments: '{}',
    state,
    attempt: 0,
    resultContent: null,
    parentId: null,
  };
}

describe('nextStep', () => {
  test('a cancel goes before everything', () => {
    expect(step({ cancelRequestedBy: 'owner', turnCommitted: true, calls: [call(0, 'running')] })).toEqual({
      type: 'cancel',
    });
  });

  test('infers with tools until a limit, then once without, then ends with the limit as its reason', () => {
    expect(step({})).toEqual({ type: 'infer', withTools: true });
    expect(step({ round: 3 })).toEqual({ type: 'infer', withTools: false });
    expect(step({ round: 3, turnCommitted: true })).toEqual({
      type: 'finish',
      stopReason: 'max_tool_rounds',
    });
    expect(step({ toolCallCount: 10 })).toEqual({ type: 'infer', withTools: false });
    expect(step({ toolCallCount: 10, turnCommitted: true })).toEqual({
      type: 'finish',
      stopReason: 'budget',
    });
    expect(step({}, 60_000)).toEqual({ type: 'infer', withTools: false });
    expect(step({ turnCommitted: true }, 60_000)).toEqual({ type: 'finish', stopReason: 'timeout' });
  });

  test.each(['maxToolRounds', 'maxToolCalls'])(
    '%s of 0 means no tools, and is no limit that was reached',
    (limit) => {
      const none = { ...limits, [limit]: 0 };
      expect(nextStep(snapshotOf({}), none, 0, traits)).toEqual({ type: 'infer', withTools: false });
      expect(nextStep(snapshotOf({ turnCommitted: true }), none, 0, traits)).toEqual({
        type: 'finish',
        stopReason: 'stop',
      });
    },
  );

  test('an answer that was cut by its length says so', () => {
    expect(step({ turnCommitted: true, finishReason: 'length' })).toEqual({
      type: 'finish',
      stopReason: 'length',
    });
  });

  test('a steering message goes on after a turn without calls', () => {
    expect(step({ turnCommitted: true, steering: [{ id: 'msg_1', text: 'more' }] })).toEqual({
      type: 'advance_round',
    });
  });

  test('the modes differ for a round with one call allowed and one asked', () => {
    const calls = [call(0, 'awaiting_approval'), call(1, 'approved')];
    const inMode = (mode: NonNullable<RunSnapshot['options']['tool_execution_mode']>) =>
      step({ turnCommitted: true, calls, options: { tool_execution_mode: mode } });
    expect(inMode('parallel_streaming')).toEqual({ type: 'execute', calls: [calls[1]] });
    expect(inMode('parallel_batch_approval')).toEqual({ type: 'wait_for_approval' });
    expect(inMode('sequential')).toEqual({ type: 'wait_for_approval' });
  });

  test('in sequence the second call is judged only after the first has ended', () => {
    const options = { tool_execution_mode: 'sequential' } as const;
    const first = call(0, 'approved');
    expect(step({ turnCommitted: true, options, calls: [first, call(1, 'proposed')] })).toEqual({
      type: 'execute',
      calls: [first],
    });
    const second = call(1, 'proposed');
    expect(step({ turnCommitted: true, options, calls: [call(0, 'succeeded'), second] })).toEqual({
      type: 'judge',
      calls: [second],
    });
  });

  test('waits for the client once only its calls are open', () => {
    expect(step({ turnCommitted: true, calls: [call(0, 'running', 'client')] })).toEqual({
      type: 'wait_for_client',
    });
    expect(step({ turnCommitted: true, calls: [call(0, 'approved', 'client')] })).toMatchObject({
      type: 'execute',
    });
  });

  test('a model that asks the same for the third time gets a turn without tools', () => {
    const past = (round: number) => ({
      round,
      index: 0,
      name: 'python',
      argumentsHash: 'same',
      state: 'succeeded' as const,
      resultContent: '1',
    });
    expect(step({ round: 2, pastCalls: [past(0), past(1)] })).toEqual({ type: 'infer', withTools: true });
    expect(step({ round: 2, pastCalls: [past(0), past(1), past(2)] })).toEqual({
      type: 'infer',
      withTools: false,
    });
  });

  test('is total: every combination of call states has a step, and none is left behind', () => {
    const states: ToolCallState[] = [
      'proposed',
      'awaiting_approval',
      'approved',
      'running',
      'succeeded',
      'failed',
      'denied',
      'cancelled',
      'timed_out',
      'in_doubt',
    ];
    const open = new Set(['proposed', 'awaiting_approval', 'approved', 'running']);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...states), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('sequential', 'parallel_batch_approval', 'parallel_streaming'),
        (chosen, mode) => {
          const calls = chosen.map((state, index) => call(index, state));
          const next = step({ turnCommitted: true, calls, options: { tool_execution_mode: mode } });
          expect(next.type === 'advance_round').toBe(chosen.every((state) => !open.has(state)));
        },
      ),
    );
  });
});
