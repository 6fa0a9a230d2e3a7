import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideCall, matchesTool, type PolicyQuestion } from './policy.js';

const python: PolicyQuestion = { toolName: 'python', reach: 'sandbox', rules: [], floors: ['auto', 'auto'] };

describe('decideCall', () => {
  test('what stays in its sandbox runs, what reaches out asks', () => {
    expect(decideCall(python)).toBe('allow');
    expect(decideCall({ ...python, reach: 'network' })).toBe('ask');
    expect(decideCall({ ...python, reach: 'host' })).toBe('ask');
  });

  test('the stricter floor holds, whoever set it', () => {
    expect(decideCall({ ...python, floors: ['auto', 'ask'] })).toBe('ask');
    expect(decideCall({ ...python, floors: ['ask', 'auto'] })).toBe('ask');
    expect(decideCall({ ...python, floors: ['deny', 'auto'] })).toBe('deny');
    expect(decideCall({ ...python, floors: ['ask', 'deny'] })).toBe('deny');
  });

  test('a remembered approval answers an ask but lifts no denial', () => {
    const rules = [{ tool: 'python', decision: 'allow' as const }];
    expect(decideCall({ ...python, rules, floors: ['ask', 'ask'] })).toBe('allow');
    expect(decideCall({ ...python, rules, floors: ['deny', 'ask'] })).toBe('deny');
    expect(decideCall({ ...python, rules: [...rules, { tool: '*', decision: 'deny' }] })).toBe('deny');
  });

  test('an exact name beats a glob, a longer glob a shorter one, and the stricter of equals wins', () => {
    const rules = [
      { tool: 'mcp__*', decision: 'allow' as const },
      { tool: 'mcp__files__*', decision: 'ask' as const },
    ];
    const question = { ...python, reach: 'host' as const, rules };
    expect(decideCall({ ...question, toolName: 'mcp__web__get' })).toBe('allow');
    expect(decideCall({ ...question, toolName: 'mcp__files__read' })).toBe('ask');
    const exact = [...rules, { tool: 'mcp__files__read', decision: 'allow' as const }];
    expect(decideCall({ ...question, rules: exact, toolName: 'mcp__files__read' })).toBe('allow');
    const equals = [
      { tool: 'x', decision: 'allow' as const },
      { tool: 'x', decision: 'ask' as const },
    ];
    expect(decideCall({ ...question, rules: equals, toolName: 'x' })).toBe('ask');
  });

  test('a request can only tighten', () => {
    const strictness = { allow: 0, ask: 1, deny: 2 };
    const permission = fc.constantFrom('auto' as const, 'ask' as const, 'deny' as const);
    const rules = fc.array(
      fc.record({
        tool: fc.constantFrom('python', '*', 'py*'),
        decision: fc.constantFrom('allow', 'ask', 'deny'),
      }),
    );
    fc.assert(
      fc.property(
        permission,
        permission,
        rules,
        fc.constantFrom('sandbox', 'network'),
        (server, request, given, reach) => {
          const without = decideCall({ toolName: 'python', reach, rules: given, floors: [server] });
          const withRequest = decideCall({
            toolName: 'python',
            reach,
            rules: given,
            floors: [server, request],
          });
          expect(strictness[withRequest]).toBeGreaterThanOrEqual(strictness[without]);
        },
      ),
    );
  });
});

describe('matchesTool', () => {
  test.each([
    ['python', 'python', true],
    ['python', 'python2', false],
    ['*', 'anything', true],
    ['mcp__*__read', 'mcp__files__read', true],
    ['mcp__*__read', 'mcp__read', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'acb', false],
    ['*a*', 'bab', true],
  ])('%s against %s', (pattern, name, expected) => {
    expect(matchesTool(pattern, name)).toBe(expected);
  });

  test('agrees with a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });
    const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    fc.assert(
      fc.property(patterns, letters, (pattern, name) => {
        expect(matchesTool(pattern, name)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name));
      }),
    );
  });

  test('a hostile pattern costs no more than its length', () => {
    expect(matchesTool(`${'*a'.repeat(30)}b`, 'a'.repeat(60_000))).toBe(false);
  });
});
