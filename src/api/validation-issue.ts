import { DomainError } from '../errors.js';

/**
 * A Standard Schema issue with what zod adds to it. Other libraries' issues have only `message` and `path`.
 */
export interface ValidationIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly errors?: readonly (readonly ValidationIssue[])[] | undefined;
}

/** What is said about a request that a schema refused; `param` is the first problem's place, `a.b[0]`. */
export interface ValidationDescription {
  readonly message: string;
  readonly code: string;
  readonly param: string | null;
}

const MAX_ISSUES_SHOWN = 3;
const MAX_LENGTH = 1000;
const MAX_NAME_LENGTH = 100;

/** `base` is where the checked value itself is, e.g. the name of a path parameter. */
export function invalidRequest(issues: readonly ValidationIssue[], base?: string): DomainError {
  const { message, code, param } = describeIssues(issues, base === undefined ? [] : [base]);
  return new DomainError('invalid_request', message, { reason: code, ...(param === null ? {} : { param }) });
}

export function isIssueList(value: unknown): value is readonly ValidationIssue[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((issue: unknown) => typeof issue === 'object' && issue !== null && 'message' in issue)
  );
}

export function describeIssues(
  issues: readonly ValidationIssue[],
  base: readonly PropertyKey[] = [],
): ValidationDescription {
  const found = issues.slice(0, MAX_ISSUES_SHOWN).map((issue) => describe(issue, base));
  const rest = issues.length - found.length;
  const message = found.map((one) => one.message).join(' ') + (rest > 0 ? ` And ${rest} more.` : '');
  const [first] = found;
  return {
    message: message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}…` : message,
    code: first?.code ?? 'invalid_value',
    param: first?.param ?? null,
  };
}

function describe(issue: ValidationIssue, base: readonly PropertyKey[]): ValidationDescription {
  const path = [...base, ...keysOf(issue)];
  if (issue.code === 'unrecognized_keys' && issue.keys?.[0] !== undefined) {
    const param = toParam([...path, issue.keys[0]]);
    const more = issue.keys.length > 1 ? ` (and ${issue.keys.length - 1} more)` : '';
    return { message: `Unknown field \`${param}\`${more}.`, code: 'unknown_field', param };
  }
  const branch = issue.code === 'invalid_union' ? closestBranch(issue) : undefined;
  if (branch !== undefined) return describe(branch, path);
  const param = path.length === 0 ? null : toParam(path);
  const problem = issue.message.replace(/^Invalid (input|option): /, '').replace(/\.$/, '');
  return {
    message: param === null ? `${capitalised(problem)}.` : `\`${param}\`: ${problem}.`,
    code: 'invalid_value',
    param,
  };
}

/** The union member that went furthest into the value is the one that was meant. */
function closestBranch(issue: ValidationIssue): ValidationIssue | undefined {
  const candidates = (issue.errors ?? []).flatMap((branch) => (branch[0] === undefined ? [] : [branch[0]]));
  const [deepest] = candidates.toSorted((a, b) => keysOf(b).length - keysOf(a).length);
  return deepest !== undefined && keysOf(deepest).length > 0 ? deepest : undefined;
}

function keysOf(issue: ValidationIssue): PropertyKey[] {
  return (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
}

function toParam(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key).slice(0, MAX_NAME_LENGTH);
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
