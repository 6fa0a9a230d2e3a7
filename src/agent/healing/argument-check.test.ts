import { describe, expect, test } from 'vitest';
import { argumentCheck } from './argument-check.js';

describe('argumentCheck', () => {
  test('asks for the shape', () => {
    const check = argumentCheck({
      type: 'object',
      properties: { code: { type: 'string' }, seconds: { type: ['integer', 'null'] } },
      required: ['code'],
      additionalProperties: false,
    });
    expect(check({ code: '1', seconds: null })).toBe(true);
    for (const value of [{}, { code: 1 }, { code: '1', more: 1 }, { code: '1', seconds: 'x' }])
      expect(check(value)).toBe(false);
  });

  test('runs no pattern and follows no reference: both could take for ever', () => {
    const check = argumentCheck({
      type: 'object',
      properties: {
        text: { type: 'string', pattern: '^(a+)+$' },
        tree: { $ref: '#' },
        pattern: { type: 'string' },
      },
      required: ['tree', 'pattern'],
      anyOf: [{ properties: { tree: { $ref: '#' } } }, { properties: { tree: { $ref: '#' } } }],
    });
    expect(check({ text: `${'a'.repeat(64)}!`, tree: 1, pattern: 'x' })).toBe(true);
    expect(check({ tree: {}, pattern: 1 })).toBe(false);
  });

  test('asks nothing of a schema that cannot be read', () => {
    expect(argumentCheck({ type: 'what' })({ any: 1 })).toBe(true);
    expect(argumentCheck({ properties: { a: 5 } })({ any: 1 })).toBe(true);
  });

  test('leaves no compiled schema behind with the same id', () => {
    const schema = { $id: 'one', type: 'object', required: ['a'] };
    expect(argumentCheck(schema)({})).toBe(false);
    expect(argumentCheck(schema)({})).toBe(false);
  });
});
