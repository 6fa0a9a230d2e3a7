import type { JsonSchema } from '../../engine/engine.js';
import type { OfferedTools } from './offered-tools.js';
import { parseLoosely } from './parse-loosely.js';
import type { WrittenCall, WrittenField } from './written-call.js';

/** A call as if the engine had made it. */
export interface HealedCall {
  readonly name: string;
  /** JSON text of an object that fits the tool's schema. */
  readonly arguments: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The calls that were written, or undefined when one of them cannot be made: then all of it stays text. */
export function settleCalls(written: WrittenCall, tools: OfferedTools): readonly HealedCall[] | undefined {
  switch (written.form) {
    case 'envelope':
      return settleEnvelope(written.json, tools);
    case 'json':
      return single(settle(written.name, parseLoosely(written.json), tools));
    case 'fields': {
      const properties = asObject(tools.schema(written.name)['properties']) ?? {};
      return single(settle(written.name, fromFields(written.fields, properties), tools));
    }
    default:
      return written satisfies never;
  }
}

function settleEnvelope(json: string, tools: OfferedTools): readonly HealedCall[] | undefined {
  const value = parseLoosely(json);
  // Repairing may make a list of an object that something follows; that was no one call.
  if (Array.isArray(value) !== json.startsWith('[')) return undefined;
  const calls: HealedCall[] = [];
  for (const item of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
    const call = settleNamed(item, tools);
    if (!call) return undefined;
    calls.push(call);
  }
  return calls.length > 0 ? calls : undefined;
}

function settleNamed(value: unknown, tools: OfferedTools): HealedCall | undefined {
  const outer = asObject(value);
  const call = asObject(outer?.['function']) ?? outer;
  const written = call?.['name'] ?? call?.['function'];
  const name = typeof written === 'string' ? tools.find(written) : undefined;
  if (!call || name === undefined) return undefined;
  return settle(name, call['arguments'] ?? call['parameters'] ?? {}, tools);
}

function settle(name: string, value: unknown, tools: OfferedTools): HealedCall | undefined {
  const args = typeof value === 'string' ? fromString(value, tools.schema(name)) : asObject(value);
  return args && tools.accepts(name, args) ? { name, arguments: JSON.stringify(args) } : undefined;
}

/** Arguments as a JSON string, or the one text that the tool needs by itself. */
function fromString(text: string, schema: JsonSchema): Fields | undefined {
  const required: unknown = schema['required'];
  const sole: unknown = Array.isArray(required) && required.length === 1 ? required[0] : undefined;
  try {
    const parsed = asObject(JSON.parse(text));
    if (parsed) return parsed;
  } catch {
    // Plain text, then.
  }
  if (typeof sole !== 'string') return undefined;
  return typesOf(asObject(schema['properties'])?.[sole]).includes('string') ? { [sole]: text } : undefined;
}

function fromFields(fields: readonly WrittenField[], properties: Fields): Fields | undefined {
  const keys = new Set(fields.map(({ key }) => key));
  if (keys.size !== fields.length) return undefined;
  return Object.fromEntries(fields.map(({ key, text }) => [key, typed(text, typesOf(properties[key]))]));
}

/** Text stays text unless the schema wants something else there. */
function typed(text: string, types: readonly string[]): unknown {
  if (types.length === 0 || types.includes('string')) return text;
  const value = parseLoosely(text.trim());
  return value === undefined ? text : value;
}

function typesOf(schema: unknown): readonly string[] {
  const { type, anyOf, oneOf } = asObject(schema) ?? {};
  const choices: unknown = anyOf ?? oneOf;
  if (Array.isArray(choices)) return choices.flatMap((choice: unknown) => typesOf(choice));
  return [type].flat().filter((name) => typeof name === 'string');
}

function single(call: HealedCall | undefined): readonly HealedCall[] | undefined {
  return call && [call];
}

function asObject(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
