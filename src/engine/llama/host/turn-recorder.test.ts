import { describe, expect, test } from 'vitest';
import type { HostEvent } from '../protocol.js';
import { TurnRecorder } from './turn-recorder.js';

function recorder(continues = { text: false }) {
  const events: HostEvent[] = [];
  let calls = 0;
  return {
    events,
    turn: new TurnRecorder(
      (event) => events.push(event),
      () => `call_${++calls}`,
      continues,
    ),
  };
}

const text = (value: string) => ({ type: undefined, segmentType: undefined, text: value, tokens: [] });
const argument = (callIndex: number, paramsChunk: string, done = false) => ({
  callIndex,
  functionName: 'python',
  paramsChunk,
  done,
});

describe('TurnRecorder', () => {
  test('cuts the newlines that the library forces after the arguments, and no others', () => {
    const { events, turn } = recorder();
    for (const piece of ['{"code":', ' "a\\n"', '\n', '}', '\n', '\n\n', '\n'])
      turn.argumentsChunk(argument(0, piece));
    turn.callDone('python', { code: 'a\n' });
    const made = events.map((event) => (event.type === 'tool_call_delta' ? event.arguments : '')).join('');
    expect(made).toBe('{"code": "a\\n"\n}');
  });

  test('several calls are separate blocks', () => {
    const { events, turn } = recorder();
    turn.chunk(text('I will. '));
    turn.argumentsChunk(argument(0, '{"code": "1"}'));
    turn.callDone('python', { code: '1' });
    turn.argumentsChunk(argument(1, '{"code": "2"}'));
    turn.callDone('python', { code: '2' });
    turn.end();
    expect(events.map((event) => ('id' in event ? `${event.type} ${event.id}` : event.type))).toEqual([
      'text_delta',
      'content_block_stop',
      'tool_call_start call_1',
      'tool_call_delta call_1',
      'content_block_stop call_1',
      'tool_call_start call_2',
      'tool_call_delta call_2',
      'content_block_stop call_2',
    ]);
  });

  test('a call without parameters has the empty object as arguments', () => {
    const { events, turn } = recorder();
    turn.callDone('now', undefined);
    expect(events).toContainEqual({ type: 'tool_call_delta', id: 'call_1', arguments: '{}' });
  });

  test('a call that breaks off is not closed', () => {
    const { events, turn } = recorder();
    turn.argumentsChunk(argument(0, '{"co'));
    turn.end();
    expect(events.at(-1)).toEqual({ type: 'tool_call_delta', id: 'call_1', arguments: '{"co' });
  });

  test('drops spaces before a new text, keeps those of a continuation', () => {
    const fresh = recorder();
    fresh.turn.chunk(text('\n\n'));
    fresh.turn.chunk(text(' Hello'));
    expect(fresh.events).toEqual([{ type: 'text_delta', text: 'Hello' }]);
    const going = recorder({ text: true });
    going.turn.chunk(text(' you'));
    expect(going.events).toEqual([{ type: 'text_delta', text: ' you' }]);
  });
});
