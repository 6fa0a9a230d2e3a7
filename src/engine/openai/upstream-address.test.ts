import { describe, expect, test } from 'vitest';
import { isSameServer, parseUpstreamAddress, publicModelName } from './upstream-address.js';

describe('parseUpstreamAddress', () => {
  test.each([
    ['openai:http://localhost:8000/v1#qwen', 'http://localhost:8000/v1', 'http://localhost:8000', 'qwen'],
    ['openai:http://localhost:11434', 'http://localhost:11434/v1', 'http://localhost:11434', undefined],
    ['openai:https://host/v1/#', 'https://host/v1', 'https://host', undefined],
    ['openai:https://host/gateway/v1#a', 'https://host/gateway/v1', 'https://host/gateway', 'a'],
    ['openai:https://host/api/v4#owner/name:8b#x', 'https://host/api/v4', undefined, 'owner/name:8b#x'],
  ])('%s', (value, apiUrl, rootUrl, model) => {
    expect(parseUpstreamAddress(value)).toEqual({ apiUrl, rootUrl, model });
  });

  test.each([
    ['openai:', 'of the form'],
    ['openai:localhost:8000', 'of the form'],
    ['openai:file:///etc/passwd', 'of the form'],
    ['openai:http://user:hunter2@host/v1', 'GANTRY_UPSTREAM_API_KEY'],
    ['openai:http://hunter2@host/v1', 'GANTRY_UPSTREAM_API_KEY'],
    ['openai:http://host/v1?key=hunter2', 'query'],
  ])('refuses %s, and repeats nothing of it', (value, why) => {
    const refusal = () => parseUpstreamAddress(value);
    expect(refusal).toThrow(why);
    expect(refusal).not.toThrow('hunter2');
  });
});

test.each([
  ['demo', 'demo'],
  ['openai:https://host#m', 'openai:https://host/v1#m'],
  ['openai:https://host/v1', 'openai:https://host/v1'],
  ['openai:http://user:hunter2@host/v1', 'openai'],
])('%s is shown as %s', (value, shown) => {
  expect(publicModelName(value)).toBe(shown);
});

test('a key for one server is for no other', () => {
  const server = 'openai:https://host/v1#a';
  expect(isSameServer(server, 'openai:https://host/v2#b')).toBe(true);
  for (const other of [
    'openai:https://host:8443/v1#a',
    'openai:http://host/v1#a',
    'openai:https://host.example/v1',
    'openai:x',
    'demo',
  ]) {
    expect(isSameServer(server, other)).toBe(false);
  }
});
