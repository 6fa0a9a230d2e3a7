import { describe, expect, test } from 'vitest';
import { answerSchema, argumentSchema } from './argument-schema.js';

const A = { a: { type: 'string' } };
const EMPTY_OBJECT = { type: 'object', properties: {} };
const ANY_OBJECT = { type: 'object', additionalProperties: true };

describe('argumentSchema', () => {
  test('an object whose properties are all required stays one object', () => {
    expect(
      argumentSchema({
        type: 'object',
        properties: { path: { type: 'string', description: 'Where.' }, mode: { enum: ['r', 'w'] } },
        required: ['path', 'mode'],
      }),
    ).toEqual({ type: 'object', properties: { path: { type: 'string' }, mode: { enum: ['r', 'w'] } } });
  });

  test('optional properties become a choice, in the order declared', () => {
    const schema = argumentSchema({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'integer' }, c: { type: 'boolean' } },
      required: ['b'],
    });
    const keys =
      'oneOf' in schema
        ? schema.oneOf.map((one) => ('properties' in one ? Object.keys(one.properties ?? {}) : []))
        : [];
    expect(keys).toEqual([['b'], ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']]);
  });

  test('many optional properties do not explode', () => {
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const schema = argumentSchema({
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    });
    expect('oneOf' in schema ? schema.oneOf.length : 0).toBe(22);
  });

  test.each([1, 3, 5])('nor do objects in objects with %i optional properties beside', (beside) => {
    const names = Array.from({ length: beside }, (_, index) => `p${index}`);
    const plain = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
    let nested: Record<string, unknown> = { type: ['object', 'object', 'null'], properties: plain };
    for (let level = 0; level < 12; level += 1) {
      nested = { type: 'object', properties: { deeper: nested, ...plain } };
    }
    const converted = argumentSchema(nested);
    expect(partsOf(converted)).toBeLessThan(5_000);
    expect('oneOf' in converted).toBe(true);
  });

  test('more choices than a grammar should have are left open', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `choice ${index}`);
    for (const wide of [{ enum: many }, { anyOf: many.map((choice) => ({ const: choice })) }]) {
      expect(partsOf(argumentSchema({ properties: { wide }, required: ['wide'] }))).toBeLessThan(20);
    }
    const properties = Object.fromEntries(many.map((name) => [name, { type: 'string' }]));
    expect(argumentSchema({ properties })).toEqual({ type: 'object', additionalProperties: true });
  });

  test.each([
    {},
    { type: 'object' },
    { type: 'object', properties: {} },
    { type: 'object', properties: {}, required: [], additionalProperties: false },
  ])('no properties are the empty object: %j', (schema) => {
    expect(argumentSchema(schema)).toEqual(EMPTY_OBJECT);
  });

  test.each([
    { $ref: '#/$defs/A', $defs: { A: { type: 'object', properties: A, required: ['a'] } } },
    { allOf: [{ properties: A }] },
    { type: 'object', additionalProperties: { type: 'string' } },
    { type: 'object', properties: {}, additionalProperties: {} },
    { type: 'object', patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false },
    { type: 'object', propertyNames: { maxLength: 8 } },
    { type: 'object', required: ['a'] },
    { type: 'object', minProperties: 1 },
    { properties: A, allOf: [{ properties: { b: { type: 'string' } }, required: ['b'] }] },
    { properties: A, if: { required: ['a'] }, else: { required: ['b'] } },
    { properties: A, required: ['a', 'b'] },
    { properties: A, minProperties: 2 },
  ])('what is said of more than its own properties is left open: %j', (schema) => {
    expect(argumentSchema(schema)).toEqual(ANY_OBJECT);
  });

  test.each([
    [{ type: ['string', 'null'] }, { oneOf: [{ type: 'string' }, { type: 'null' }] }],
    [{ anyOf: [{ type: 'number' }, { const: 'auto' }] }, { oneOf: [{ type: 'number' }, { const: 'auto' }] }],
    [
      { type: 'array', items: { type: 'string' } },
      { type: 'array', items: { type: 'string' } },
    ],
    [{ type: 'object' }, { type: 'object', additionalProperties: true }],
  ])('converts %j', (property, expected) => {
    const schema = argumentSchema({ type: 'object', properties: { x: property }, required: ['x'] });
    expect(schema).toMatchObject({ properties: { x: expected } });
  });

  test('a schema that refers to itself without end is cut off, not followed', () => {
    const loop: Record<string, unknown> = { type: 'array' };
    loop['items'] = loop;
    expect(() => argumentSchema({ type: 'object', properties: { x: loop }, required: ['x'] })).not.toThrow();
  });
});

describe('answerSchema', () => {
  test.each([
    [{ type: 'object' }, ANY_OBJECT],
    [{ type: 'object', additionalProperties: { type: 'number' } }, ANY_OBJECT],
    [{ type: 'object', additionalProperties: false }, EMPTY_OBJECT],
    [
      { type: 'object', properties: A, required: ['a'] },
      { type: 'object', properties: A },
    ],
    [{ type: 'integer' }, { type: 'integer' }],
  ])('converts %j', (schema, expected) => {
    expect(answerSchema(schema)).toEqual(expected);
  });
});

/** Of the whole tree, as the library walks it. */
function partsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + partsOf(part), 1);
}
