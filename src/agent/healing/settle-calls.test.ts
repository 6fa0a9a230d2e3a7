import { describe, expect, test } from 'vitest';
import { OfferedTools } from './offered-tools.js';
import { settleCalls } from './settle-calls.js';

const tools = new OfferedTools([
  {
    name: 'search',
    description: '',
    parameters: {
      type: 'object',
      properties: {
        query: { type: 'string' },
        limit: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
        exact: { type: 'boolean' },
        sites: { type: 'array', items: { type: 'string' } },
      },
      required: ['query'],
      additionalProperties: false,
    },
  },
]);

function fromFields(fields: Readonly<Record<string, string>>): unknown {
  const list = Object.entries(fields).map(([key, text]) => ({ key, text }));
  const calls = settleCalls({ form: 'fields', name: 'search', fields: list }, tools);
  return calls && JSON.parse(calls[0]?.arguments ?? '');
}

function fromEnvelope(json: string): unknown {
  return settleCalls({ form: 'envelope', json }, tools)?.map((call) => JSON.parse(call.arguments) as unknown);
}

describe('plain values', () => {
  test.each([
    [{ query: '5' }, { query: '5' }],
    [
      { query: ' a ', limit: ' 5\n', exact: 'True', sites: "['a', 'b']" },
      { query: ' a ', limit: 5, exact: true, sites: ['a', 'b'] },
    ],
    [
      { query: 'null', limit: 'null' },
      { query: 'null', limit: null },
    ],
    [{ query: 'a', limit: 'many' }, undefined],
    [{ query: 'a', other: 'b' }, undefined],
    [{ limit: '5' }, undefined],
  ])('%j are read by the schema', (fields, value) => {
    expect(fromFields(fields)).toEqual(value);
  });

  test('a value that is there twice makes no call', () => {
    const field = { key: 'query', text: 'a' };
    expect(settleCalls({ form: 'fields', name: 'search', fields: [field, field] }, tools)).toBeUndefined();
  });
});

describe('an envelope', () => {
  test.each([
    ['{"name": "search", "arguments": {"query": "a"}}', [{ query: 'a' }]],
    ['{"name": "functions.search", "parameters": {"query": "a"}}', [{ query: 'a' }]],
    [
      '{"type": "function", "function": {"name": "search", "arguments": "{\\"query\\": \\"a\\"}"}}',
      [{ query: 'a' }],
    ],
    ['{"function": "search", "arguments": "the only text it needs"}', [{ query: 'the only text it needs' }]],
    ["{name: 'search', arguments: {query: 'a',}}", [{ query: 'a' }]],
    ['{"name": "search", "arguments": {}}', undefined],
    ['{"name": "search", "arguments": [1]}', undefined],
    ['{"name": "toString", "arguments": {}}', undefined],
    ['{"name": 5, "arguments": {}}', undefined],
    ['{"arguments": {"query": "a"}}', undefined],
    ['{"name": "search", "arguments": {"query": "a"}}\n{"name": "search"}', undefined],
    ['[]', undefined],
    ['"search"', undefined],
    ['', undefined],
  ])('%s', (json, value) => {
    expect(fromEnvelope(json)).toEqual(value);
  });
});
