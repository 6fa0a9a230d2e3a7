import { Template } from '@huggingface/jinja';

/** Throws on what is no Jinja. */
export function compileTemplate(source: string): Template {
  const template = new Template(source);
  asPythonHasIt(template.parsed);
  return template;
}

/** Where the library is stricter than the Jinja that templates are written for. */
function asPythonHasIt(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  if (isList(node)) listsForTuples(node.value);
  if (isLookUp(node)) node.property = orNothing(node.property);
  if (isFilter(node) && OF_NOTHING.has(node.filter.value)) node.operand = orNothing(node.operand);
  for (const [key, part] of Object.entries(node)) {
    // These name what a tuple is taken apart into.
    if (key !== 'loopvar' && key !== 'assignee') asPythonHasIt(part);
  }
}

/** A tuple in a list cannot be taken apart (`for a, b in [("x", "y")]`), a list in a list can. */
function listsForTuples(items: readonly unknown[]): void {
  for (const item of items) if (isList(item)) item.type = 'ArrayLiteral';
}

/** What is not there is as good as an empty text to these. */
const OF_NOTHING: ReadonlySet<string> = new Set(['trim', 'upper', 'lower', 'length']);

function orNothing(operand: unknown): unknown {
  const callee = { type: 'Identifier', value: 'default' };
  const filter = { type: 'CallExpression', callee, args: [{ type: 'StringLiteral', value: '' }] };
  return { type: 'FilterExpression', operand, filter };
}

/** `object[key]`; with a key that is not there it is not there either. */
function isLookUp(node: object): node is { property: unknown } {
  if (
    !('type' in node) ||
    node.type !== 'MemberExpression' ||
    !('computed' in node) ||
    !('property' in node)
  ) {
    return false;
  }
  return node.computed === true && isNode(node.property) && node.property.type !== 'SliceExpression';
}

function isFilter(node: object): node is { operand: unknown; readonly filter: { readonly value: string } } {
  if (!('type' in node) || node.type !== 'FilterExpression' || !('operand' in node) || !('filter' in node)) {
    return false;
  }
  const { filter } = node;
  return (
    typeof filter === 'object' && filter !== null && 'value' in filter && typeof filter.value === 'string'
  );
}

function isNode(value: unknown): value is { readonly type: string } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function isList(node: unknown): node is { type: string; readonly value: readonly unknown[] } {
  if (typeof node !== 'object' || node === null || !('type' in node) || !('value' in node)) return false;
  return (node.type === 'ArrayLiteral' || node.type === 'TupleLiteral') && Array.isArray(node.value);
}
