import { expect, test } from 'vitest';
import { allowsTarget, coversPattern, parseHostPattern, type HostPattern } from './host-pattern.js';
import { parseAuthority } from './target.js';

function patterns(...texts: string[]): HostPattern[] {
  return texts.map((text) => {
    const pattern = parseHostPattern(text);
    if (pattern === undefined) throw new Error(`${text} is no pattern`);
    return pattern;
  });
}

function allows(list: string, authority: string): boolean {
  const target = parseAuthority(authority);
  if (target === undefined) throw new Error(`${authority} names no host`);
  return allowsTarget(patterns(...list.split(',')), target);
}

test.each([
  ['pypi.org', 'pypi.org:443'],
  ['pypi.org', 'PyPI.org.:80'],
  ['PyPI.ORG.', 'pypi.org:443'],
  ['*.example.org', 'a.b.example.org:443'],
  ['a.example,b.example', 'b.example:443'],
  ['*', 'anything.example:80'],
  ['example.org:8443', 'example.org:8443'],
  ['bücher.example', 'xn--bcher-kva.example:443'],
  ['xn--bcher-kva.example', 'BÜCHER.example:443'],
  ['127.0.0.1:80', '0x7f.1:80'],
  ['127.0.0.1:80', '2130706433:80'],
  ['[2001:DB8:0::1]', '[2001:db8::1]:443'],
])('%s allows %s', (list, authority) => {
  expect(allows(list, authority)).toBe(true);
});

test.each([
  ['pypi.org', 'pypi.org:8080'],
  ['pypi.org', 'evilpypi.org:443'],
  ['pypi.org', 'pypi.org.evil.example:443'],
  ['*.example.org', 'example.org:443'],
  ['*.example.org', 'evilexample.org:443'],
  ['example.org:8443', 'example.org:443'],
  ['*', 'anything.example:22'],
  ['*.example.org', '1.2.3.4:443'],
])('%s does not allow %s', (list, authority) => {
  expect(allows(list, authority)).toBe(false);
});

test.each([
  '',
  '*.',
  '**',
  '*.*.example',
  'a*.example',
  'exa mple.org',
  'a/b',
  'user@host',
  'host:0',
  'host:65536',
])('%j is no pattern', (text) => {
  expect(parseHostPattern(text)).toBeUndefined();
});

test.each([
  'http://host',
  'host:x',
  'host:80:80',
  '*.127.0.0.1',
  '..',
  'a..b',
  'a'.repeat(254),
  'a\r\nb',
  'a%2eb',
])('%j is no pattern either', (text) => {
  expect(parseHostPattern(text)).toBeUndefined();
});

test.each([
  ['*', '*', true],
  ['*', 'a.example', true],
  ['*', 'a.example:22', false],
  ['*,*:22', 'a.example:22', true],
  ['*.example', '*.a.example', true],
  ['*.example', '*.example', true],
  ['*.a.example', '*.example', false],
  ['a.example', '*', false],
  ['a.example:443', 'a.example', false],
  ['a.example:443,a.example:80', 'a.example', true],
])('%s covers %s: %s', (ceiling, wanted, expected) => {
  expect(patterns(wanted).every((one) => coversPattern(patterns(...ceiling.split(',')), one))).toBe(expected);
});

test.each([
  'host',
  'host:',
  ':443',
  'user@host:443',
  'host:443/path',
  'ho st:443',
  'host\r\nX: y:443',
  '[::1:443',
  '::1:443',
  'host:99999',
  'host:-1',
  'host:+80',
  'a%00b:443',
  'host#x:443',
])('%j names nothing to connect to', (authority) => {
  expect(parseAuthority(authority)).toBeUndefined();
});
