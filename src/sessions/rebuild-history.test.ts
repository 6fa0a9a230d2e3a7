import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../errors.js';
import { lengthOfTurns, withWholePairs } from './history-turns.js';
import { rebuildHistory } from './rebuild-history.js';
import type { ExportedMessage, SessionHistory } from './session-export.js';

const time = '2026-01-01T00:00:00.000000Z';

function message(id: string, rest: Partial<ExportedMessage>): ExportedMessage {
  const nothing = {
    run_id: null,
    round: null,
    content: '',
    reasoning: null,
    tool_calls: null,
    tool_call_id: null,
    file_ids: [],
  };
  return { id, role: 'user', created_at: time, ...nothing, ...rest };
}

/** Turns as agents make them: a user's words, then calls of which some were answered, then an answer. */
const turn = fc.record({ calls: fc.nat(3), answered: fc.nat(3), steered: fc.boolean() });

function conversation(
  turns: readonly { calls: number; answered: number; steered: boolean }[],
): ExportedMessage[] {
  return turns.flatMap(({ calls, answered, steered }, at) => {
    const run_id = `run_${at}`;
    const ids = Array.from({ length: calls }, (_, index) => `call_${at}_${index}`);
    const results = ids.slice(0, answered);
    return [
      message(`u${at}`, { run_id }),
      message(`a${at}`, {
        run_id,
        role: 'assistant',
        tool_calls: ids.map((id) => ({ id, name: 'python', arguments: '{}' })),
      }),
      ...results.map((id) => message(`t${id}`, { run_id, role: 'tool', tool_call_id: id })),
      ...(steered ? [message(`s${at}`, { run_id })] : []),
      message(`f${at}`, { run_id, role: 'assistant' }),
    ];
  });
}

function isWhole(messages: readonly ExportedMessage[]): boolean {
  let open: string[] = [];
  for (const one of messages) {
    if (one.role === 'tool') {
      if (!open.includes(one.tool_call_id ?? '')) return false;
      open = open.filter((id) => id !== one.tool_call_id);
    } else {
      if (open.length > 0) return false;
      open = (one.tool_calls ?? []).map((call) => call.id);
    }
  }
  return open.length === 0;
}

describe('histories', () => {
  it('have whole pairs after rebuilding, under ids that are all new and all known', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
        const messages = conversation(turns);
        const rebuilt = rebuildHistory({ messages, runs: [], tool_calls: [], fileIds: new Map() });
        expect(isWhole(rebuilt.messages)).toBe(true);
        const old = JSON.stringify(messages).match(/"(?:call|run|u|a|f|s)_?\d[^"]*"/g) ?? [];
        for (const id of old) expect(JSON.stringify(rebuilt)).not.toContain(id);
        const records = new Set(rebuilt.tool_calls.map((call) => call.id));
        const runs = new Set(rebuilt.runs.map((run) => run.id));
        for (const one of rebuilt.messages) {
          for (const call of one.tool_calls ?? []) expect(records.has(call.id)).toBe(true);
          if (one.role === 'tool') expect(records.has(one.tool_call_id ?? '')).toBe(true);
        }
        for (const call of rebuilt.tool_calls) expect(runs.has(call.run_id)).toBe(true);
      }),
    );
  });

  it('are not changed by making whole what is whole', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
        const whole = withWholePairs(conversation(turns));
        expect(withWholePairs(whole)).toEqual(whole);
      }),
    );
  });

  it('are cut only between turns', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 6 }), fc.nat(5), (turns, kept) => {
        const messages = conversation(turns);
        const wanted = (kept % turns.length) + 1;
        expect(lengthOfTurns(messages, wanted)).toBe(conversation(turns.slice(0, wanted)).length);
        expect(() => lengthOfTurns(messages, turns.length + 1)).toThrow(DomainError);
      }),
    );
  });

  it('refuse a result that answers nothing, by its place', () => {
    const orphaned: SessionHistory = {
      messages: [message('u', {}), message('t', { role: 'tool', tool_call_id: 'call_1' })],
      runs: [],
      tool_calls: [],
    };
    expect(() => rebuildHistory({ ...orphaned, fileIds: new Map() })).toThrow('messages[1].tool_call_id');
  });
});
