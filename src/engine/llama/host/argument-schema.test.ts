import { describe, expect, test } from 'vitest';
import { argumentSchema } from './argument-schema.js';

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

  test('no properties is the empty object', () => {
    expect(argumentSchema({ type: 'object' })).toEqual({ type: 'object', properties: {} });
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

/** Of the whole tree, as the library walks it. */
function partsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + partsOf(part), 1);
}
