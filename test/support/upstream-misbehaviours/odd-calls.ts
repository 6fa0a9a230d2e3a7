import { chunk } from '../scripted-upstream.js';
import { PYTHON, SEARCH, calls, ended, piece, streams, type Misbehaviour } from './misbehaviour.js';

/** Calls as servers send them. */
export const ODD_CALLS: Readonly<Record<string, Misbehaviour>> = {
  'arguments in pieces': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"co')) +
        calls(piece(0, undefined, undefined, 'de":"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'calls without ids': {
    play: streams(
      calls(piece(0, undefined, ...PYTHON)) + calls(piece(1, '', ...SEARCH)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the same index for every call': {
    play: streams(calls(piece(0, 'a', ...PYTHON)) + calls(piece(0, 'b', ...SEARCH)) + ended('tool_calls')),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the same index and no ids': {
    play: streams(
      calls(piece(0, undefined, ...PYTHON), piece(0, undefined, ...PYTHON)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, PYTHON] },
  },
  'no index': {
    play: streams(
      calls(piece(undefined, 'a', ...PYTHON), piece(undefined, 'b', ...SEARCH)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the same id for every call': {
    play: streams(
      calls(piece(0, 'call', ...PYTHON)) + calls(piece(1, 'call', ...SEARCH)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'another id with each piece of a call': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"co')) +
        calls(piece(0, 'b', undefined, 'de":"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'the name with each piece of a call': {
    play: streams(
      calls(piece(0, undefined, 'python', '{"co')) +
        calls(piece(0, undefined, 'python', 'de":"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'arguments as an object': {
    play: streams(calls(piece(0, 'a', 'python', { code: '1' })) + ended('tool_calls')),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'no arguments at all': {
    play: streams(
      calls(piece(0, 'a', 'list', '')) + calls(piece(1, 'b', 'list', undefined)) + ended('tool_calls'),
    ),
    end: {
      stop: 'tool_calls',
      calls: [
        ['list', '{}'],
        ['list', '{}'],
      ],
    },
  },
  'two calls in turns': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"code"'), piece(1, 'b', 'search', '{"qu')) +
        calls(piece(0, undefined, undefined, ':"1"}')) +
        calls(piece(1, undefined, undefined, 'ery":"x"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the whole call once more at the end': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"code"')) +
        calls(piece(0, 'a', undefined, ':"1"}')) +
        calls(piece(0, 'a', ...PYTHON)) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'text in the middle of a call': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"code"')) +
        chunk({ content: 'By the way' }) +
        calls(piece(0, 'a', undefined, ':"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', text: 'By the way', calls: [PYTHON] },
  },
  '`stop` after a call': {
    play: streams(calls(piece(0, 'a', ...PYTHON)) + ended('stop')),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'an end by length in the middle of a call': {
    play: streams(chunk({ content: 'Now' }) + calls(piece(0, 'a', 'python', '{"co')) + ended('length')),
    end: { stop: 'length', text: 'Now', calls: [] },
  },
  'a call without a name': {
    play: streams(calls(piece(0, 'a', undefined, '{}')) + ended('tool_calls')),
    end: { error: 'provider', says: /without a name/ },
  },
  'arguments that go on after their end': {
    play: streams(
      calls(piece(0, 'a', ...PYTHON)) + calls(piece(0, 'a', undefined, ',"x"')) + ended('tool_calls'),
    ),
    end: { error: 'provider', says: /after the end of the arguments of python/ },
  },
};
