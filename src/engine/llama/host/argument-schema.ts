import type { ChatModelFunctions, GbnfJsonSchema } from 'node-llama-cpp';
import type { HostTool } from '../protocol.js';

type Schema = Readonly<Record<string, unknown>>;

/** Up to here every choice of optional properties is its own alternative in the grammar. */
const MAX_OPTIONAL_FOR_ALL_SUBSETS = 4;
const MAX_DEPTH = 12;
const BASIC_TYPES = new Set(['string', 'number', 'integer', 'boolean', 'null']);

/** Accepts any JSON value: what a schema that the grammar cannot express is narrowed to. */
const ANY_VALUE: GbnfJsonSchema = {
  oneOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'object', additionalProperties: true },
    { type: 'array' },
  ],
};

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
 * arguments against the real schema before anything runs.
 */
export function argumentSchema(schema: Schema): GbnfJsonSchema {
  return convert({ type: 'object', ...schema }, 0);
}

/** The same for an answer, whose root may be any value. */
export function answerSchema(schema: Schema): GbnfJsonSchema {
  return convert(schema, 0);
}

function convert(schema: Schema, depth: number): GbnfJsonSchema {
  if (depth > MAX_DEPTH) return ANY_VALUE;
  if (isScalar(schema['const'])) return { const: schema['const'] };
  const choices = schema['enum'];
  if (Array.isArray(choices) && choices.length > 0 && choices.every(isScalar)) return { enum: choices };
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives) && alternatives.length > 0) {
    return { oneOf: alternatives.map((alternative) => convertAny(alternative, depth)) };
  }
  const type = schema['type'];
  if (type === 'object') return convertObject(schema, depth);
  if (type === 'array') return { type: 'array', items: convertAny(schema['items'], depth) };
  if (isBasicType(type)) return { type };
  if (Array.isArray(type) && type.length > 0) {
    return { oneOf: type.map((one: unknown) => convert({ ...schema, type: one }, depth + 1)) };
  }
  return ANY_VALUE;
}

function convertAny(schema: unknown, depth: number): GbnfJsonSchema {
  return isSchema(schema) ? convert(schema, depth + 1) : ANY_VALUE;
}

function convertObject(schema: Schema, depth: number): GbnfJsonSchema {
  const properties = isSchema(schema['properties']) ? schema['properties'] : {};
  const names = Object.keys(properties);
  if (names.length === 0) {
    const open = depth > 0 && schema['additionalProperties'] !== false;
    return open ? { type: 'object', additionalProperties: true } : { type: 'object', properties: {} };
  }
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const optional = names.filter((name) => !required.has(name));
  const variants = optionalChoices(optional).map((chosen) => ({
    type: 'object' as const,
    properties: Object.fromEntries(
      names
        .filter((name) => required.has(name) || chosen.has(name))
        .map((name) => [name, convertAny(properties[name], depth)]),
    ),
  }));
  const [only] = variants;
  return variants.length === 1 && only !== undefined ? only : { oneOf: variants };
}

function optionalChoices(optional: readonly string[]): ReadonlySet<string>[] {
  if (optional.length > MAX_OPTIONAL_FOR_ALL_SUBSETS) {
    return [new Set(), ...optional.map((name) => new Set([name])), new Set(optional)];
  }
  let subsets: ReadonlySet<string>[] = [new Set()];
  for (const name of optional) {
    subsets = [...subsets, ...subsets.map((subset) => new Set([...subset, name]))];
  }
  return subsets;
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
