import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFrame } from './parse-frame.js';

function errorOf(text: string) {
  const parsed = parseFrame(text);
  if (parsed.ok) throw new Error('The frame was taken.');
  return { id: parsed.id, ...parsed.error };
}

describe('parseFrame', () => {
  test('takes a good frame', () => {
    const text = JSON.stringify({ id: 'a', type: 'session.subscribe', session_id: 'sess_1', after_seq: 3 });
    expect(parseFrame(text)).toEqual({
      ok: true,
      frame: { id: 'a', type: 'session.subscribe', session_id: 'sess_1', after_seq: 3 },
    });
  });

  test.each([
    ['', 'not_json', null],
    ['{"id":"a"', 'not_json', null],
    ['[]', 'not_an_object', null],
    ['null', 'not_an_object', null],
    ['"run.create"', 'not_an_object', null],
    ['{"id":"a"}', 'unknown_type', 'a'],
    ['{"id":"a","type":"toString"}', 'unknown_type', 'a'],
    ['{"id":"a","type":"__proto__"}', 'unknown_type', 'a'],
    ['{"id":7,"type":"run.cancel"}', 'invalid_value', null],
    ['{"type":"run.cancel"}', 'invalid_value', null],
    ['{"id":"a","type":"run.create","input":"hi","colour":"red"}', 'unknown_field', 'a'],
  ])('answers %s with %s', (text, code, id) => {
    expect(errorOf(text)).toMatchObject({ code, id, type: 'invalid_request_error' });
  });

  test('names the field at fault', () => {
    const text = JSON.stringify({ id: 'a', type: 'run.create', input: 'hi', temperature: 'hot' });
    expect(errorOf(text)).toMatchObject({ id: 'a', param: 'temperature' });
  });

  test('refuses nesting that would overflow the stack of later code', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const text = `{"id":"a","type":"tool.invoke","session_id":"s","name":"n","arguments":{"x":${deep}}}`;
    expect(errorOf(text)).toMatchObject({ id: 'a', code: 'too_deep' });
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseFrame(text)));
  });
});
