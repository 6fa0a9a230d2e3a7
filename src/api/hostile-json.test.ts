import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../errors.js';
import { parseHostileJson } from './hostile-json.js';

const MANY = 1_000_000;
const parseAny = (text: string) => parseHostileJson(text, MANY);

function refusalOf(text: string): DomainError {
  try {
    parseAny(text);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('It was taken.');
}

describe('parseHostileJson', () => {
  it('gives what JSON.parse gives for any clean value', () => {
    const clean = fc.jsonValue({ maxDepth: 20 }).filter((value) => {
      const text = JSON.stringify(value);
      return !text.includes('\\u0000') && !/\\ud[89a-f]/i.test(text) && !text.includes('__proto__');
    });
    fc.assert(
      fc.property(clean, (value) => {
        const text = JSON.stringify(value);
        expect(parseAny(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('gives a value or a refusal for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '1', 'é', '\u0000') }),
        (text) => {
          try {
            parseAny(text);
          } catch (error) {
            expect(error).toBeInstanceOf(DomainError);
          }
        },
      ),
    );
  });

  it('counts depth outside of strings only', () => {
    expect(parseAny(JSON.stringify('['.repeat(1000)))).toBe('['.repeat(1000));
    expect(parseAny(`{"a\\"[[": "\\\\"}`)).toEqual({ 'a"[[': '\\' });
    expect(parseAny('['.repeat(100) + ']'.repeat(100))).toBeDefined();
    expect(refusalOf('['.repeat(101) + ']'.repeat(101)).reason).toBe('json_too_deep');
    expect(refusalOf('['.repeat(5_000_000)).reason).toBe('json_too_deep');
  });

  it('counts values, not what is written in texts', () => {
    expect(parseHostileJson('[1, {"a": 2, "b": "[,,,"}]', 5)).toBeDefined();
    expect(() => parseHostileJson('[1, {"a": 2, "b": "[,,,"}]', 4)).toThrow('more than 4 values');
    const narrow = `[${`${'['.repeat(99)}${']'.repeat(99)},`.repeat(20_000)}0]`;
    for (const text of ['0,'.repeat(MANY), '"",'.repeat(MANY)].map((wide) => `[${wide}0]`).concat(narrow))
      expect(refusalOf(text).reason).toBe('json_too_many_values');
  });

  it('takes no memory for the values it looks at', () => {
    const text = `[${'0,'.repeat(MANY - 2)}0]`;
    const before = process.memoryUsage().heapUsed;
    parseAny(text);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40 * 1024 * 1024);
  });

  it('names the place of what it refuses', () => {
    expect(refusalOf('{"a": [1, {"b": "x\\u0000"}]}')).toMatchObject({
      reason: 'invalid_text',
      param: 'a[1].b',
    });
    expect(refusalOf('{"a": {"__proto__": {}}}')).toMatchObject({
      reason: 'unknown_field',
      param: 'a.__proto__',
    });
    expect(refusalOf('{"a": {"\\ud800": 1}}')).toMatchObject({ reason: 'invalid_text', param: 'a.\uFFFD' });
    expect(refusalOf('"\\ud800"').param).toBeUndefined();
  });
});
