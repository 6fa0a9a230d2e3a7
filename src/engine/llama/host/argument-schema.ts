import type { ChatModelFunctions, GbnfJsonSchema } from 'node-llama-cpp';
import type { HostTool } from '../protocol.js';

type Schema = Readonly<Record<string, unknown>>;

/** Up to here every choice of optional properties is its own alternative in the grammar. */
const MAX_OPTIONAL_FOR_ALL_SUBSETS = 4;
const MAX_DEPTH = 12;
/** Choices within choices multiply; what would have more parts than this is left open. */
const MAX_NODES = 2_000;
const BASIC_TYPES = new Set(['string', 'number', 'integer', 'boolean', 'null']);

/** A schema of the grammar, and of how many parts it is. */
interface Sized {
  readonly schema: GbnfJsonSchema;
  readonly nodes: number;
}

/** Accepts any JSON value: what a schema that the grammar cannot express is narrowed to. */
const ANY_VALUE: Sized = {
  schema: {
    oneOf: [
      { type: ['string', 'number', 'boolean', 'null'] },
      { type: 'object', additionalProperties: true },
      { type: 'array' },
    ],
  },
  nodes: 4,
};
const ANY_OBJECT: Sized = { schema: { type: 'object', additionalProperties: true }, nodes: 1 };
const EMPTY_OBJECT: Sized = { schema: { type: 'object', properties: {} }, nodes: 1 };
/** Where a schema says of its properties what it does not say beside them. */
const ELSEWHERE = ['$ref', '$dynamicRef', 'allOf', 'if'];
const NAMED_BY_RULE = ['patternProperties', 'propertyNames'];

/** The tools as the library wants them, with arguments the sampler can be held to. */
export function toModelFunctions(tools: readonly HostTool[]): ChatModelFunctions {
  return Object.fromEntries(
    tools.map((tool) => [
      tool.name,
      { description: tool.description, params: argumentSchema(tool.parameters) },
    ]),
  );
}

/**
 * A JSON Schema as a schema of the library's grammar. That grammar knows no optional
 * properties (it forces every one it lists), so an object with optional ones becomes a choice
 * between objects. Whatever it cannot express is left open here: the caller validates the
 * arguments against the real schema before anything runs. A tool that tells of no arguments has none.
 */
export function argumentSchema(schema: Schema): GbnfJsonSchema {
  return convert({ type: 'object', additionalProperties: false, ...schema }, 0).schema;
}

/** The same for an answer, whose root may be any value. */
export function answerSchema(schema: Schema): GbnfJsonSchema {
  return convert(schema, 0).schema;
}

function convert(schema: Schema, depth: number): Sized {
  if (depth > MAX_DEPTH) return ANY_VALUE;
  if (isScalar(schema['const'])) return { schema: { const: schema['const'] }, nodes: 1 };
  const choices = schema['enum'];
  if (Array.isArray(choices) && choices.length > 0 && choices.every(isScalar)) {
    return choices.length > MAX_NODES ? ANY_VALUE : { schema: { enum: choices }, nodes: choices.length };
  }
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives) && alternatives.length > 0) {
    return oneOf(alternatives.map((alternative) => convertAny(alternative, depth)));
  }
  const type = schema['type'];
  if (type === 'object') return convertObject(schema, depth);
  if (type === 'array') {
    const items = convertAny(schema['items'], depth);
    return { schema: { type: 'array', items: items.schema }, nodes: 1 + items.nodes };
  }
  if (isBasicType(type)) return { schema: { type }, nodes: 1 };
  if (Array.isArray(type) && type.length > 0) {
    const types = new Set(type.filter((one) => typeof one === 'string'));
    return oneOf([...types].map((one) => convert({ ...schema, type: one }, depth + 1)));
  }
  return ANY_VALUE;
}

function convertAny(schema: unknown, depth: number): Sized {
  return isSchema(schema) ? convert(schema, depth + 1) : ANY_VALUE;
}

function oneOf(alternatives: readonly Sized[]): Sized {
  const nodes = alternatives.reduce((sum, one) => sum + one.nodes, 1);
  if (alternatives.length === 0 || nodes > MAX_NODES) return ANY_VALUE;
  return { schema: { oneOf: alternatives.map(({ schema }) => schema) }, nodes };
}

function convertObject(schema: Schema, depth: number): Sized {
  const properties = isSchema(schema['properties']) ? schema['properties'] : {};
  const names = Object.keys(properties);
  if (names.length > MAX_NODES) return ANY_OBJECT;
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  if (asksForMore(schema, names, required)) return ANY_OBJECT;
  if (names.length === 0) return isClosed(schema) ? EMPTY_OBJECT : ANY_OBJECT;
  const optional = names.filter((name) => !required.has(name));
  const converted = names.map((name) => ({ name, ...convertAny(properties[name], depth) }));
  const choicesOf = [...(optional.length > MAX_OPTIONAL_FOR_ALL_SUBSETS ? [] : [allSubsets]), fewSubsets];
  for (const choices of choicesOf) {
    const object = withOptional(converted, optional, choices(optional));
    if (object !== undefined) return object;
  }
  return ANY_OBJECT;
}

/** Whether an object with no other than these properties may be none of the schema. */
function asksForMore(schema: Schema, names: readonly string[], required: ReadonlySet<unknown>): boolean {
  const least = schema['minProperties'];
  return (
    ELSEWHERE.some((word) => word in schema) ||
    [...required].some((name) => typeof name === 'string' && !names.includes(name)) ||
    (typeof least === 'number' && least > names.length)
  );
}

function isClosed(schema: Schema): boolean {
  return schema['additionalProperties'] === false && !NAMED_BY_RULE.some((word) => word in schema);
}

/** A choice between objects that have these of the optional properties each; undefined where it would be too large. */
function withOptional(
  properties: readonly (Sized & { readonly name: string })[],
  optional: readonly string[],
  choices: readonly ReadonlySet<string>[],
): Sized | undefined {
  const isOptional = new Set(optional);
  if (choices.length * (1 + properties.length - optional.length) > MAX_NODES) return undefined;
  const variants = choices.map((chosen) =>
    properties.filter(({ name }) => !isOptional.has(name) || chosen.has(name)),
  );
  const nodes = variants.flat().reduce((sum, property) => sum + property.nodes, variants.length);
  if (nodes > MAX_NODES) return undefined;
  const objects = variants.map((variant) => ({
    type: 'object' as const,
    properties: Object.fromEntries(variant.map(({ name, schema }) => [name, schema])),
  }));
  const [only] = objects;
  return { schema: objects.length === 1 && only !== undefined ? only : { oneOf: objects }, nodes };
}

function allSubsets(optional: readonly string[]): ReadonlySet<string>[] {
  return optional.reduce<ReadonlySet<string>[]>(
    (subsets, name) => [...subsets, ...subsets.map((subset) => new Set([...subset, name]))],
    [new Set()],
  );
}

/** None, each alone, and all. */
function fewSubsets(optional: readonly string[]): ReadonlySet<string>[] {
  return [new Set(), ...optional.map((name) => new Set([name])), new Set(optional)];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isBasicType(value: unknown): value is 'string' | 'number' | 'integer' | 'boolean' | 'null' {
  return typeof value === 'string' && BASIC_TYPES.has(value);
}
