import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../errors.js';
import { checkWorkspacePath, isNoise, requireWorkspacePath } from './workspace-path.js';

describe('checkWorkspacePath', () => {
  it.each([
    ['a.txt', 'a.txt'],
    ['./a//b/./c.txt', 'a/b/c.txt'],
    ['グラフ/é.png', 'グラフ/é.png'],
    ['with space\nand line', 'with space\nand line'],
    ['..a/b..', '..a/b..'],
    ['a\\b', 'a\\b'],
  ])('takes %j as %j', (given, path) => {
    expect(checkWorkspacePath(given)).toEqual({ ok: true, path });
  });

  it.each([
    '',
    '.',
    './',
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a/..',
    'a/',
    'a\0b',
    '\uD800',
    'x'.repeat(256),
    'ab/'.repeat(400) + 'c',
  ])('refuses %j', (given) => {
    expect(checkWorkspacePath(given).ok).toBe(false);
    expect(() => requireWorkspacePath(given)).toThrow(DomainError);
  });

  it('gives only normalised paths inside the folder', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', '/', '//', '\0'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const check = checkWorkspacePath(parts.join('/'));
        if (!check.ok) return;
        const segments = check.path.split('/');
        expect(segments.some((segment) => segment === '' || segment === '.' || segment === '..')).toBe(false);
        expect(checkWorkspacePath(check.path)).toEqual(check);
      }),
    );
  });
});

describe('isNoise', () => {
  it.each(['__pycache__/a.cpython-311.pyc', 'a.pyc', 'node_modules/x/index.js', '.cache/f', 'a/.config/b'])(
    '%s',
    (path) => {
      expect(isNoise(path)).toBe(true);
    },
  );
  it.each(['a.py', '.env', 'pycache/a', 'src/.gitignore'])('not %s', (path) => {
    expect(isNoise(path)).toBe(false);
  });
});
