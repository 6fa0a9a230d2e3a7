import { BadHeader, GgufCursor } from './gguf-cursor.js';
import { TENSOR_TYPES } from './ggml-types.js';

/** Of a list only its length is kept: a vocabulary is of no use here, and may be made to fill the memory. */
export type GgufValue = string | number | boolean | { readonly length: number };

export interface GgufHeader {
  readonly version: number;
  readonly values: ReadonlyMap<string, GgufValue>;
  readonly tensors: number;
  /** All numbers of all tensors. */
  readonly parameters: number;
  /** Bytes of the tensors by the name of their type, where the type is known. */
  readonly bytesByType: ReadonlyMap<string, number>;
  /** The file is cut if it is shorter. */
  readonly leastBytes: number;
}

const MAGIC = 0x46554747;
const VERSIONS = new Set([2, 3]);
const MOST_KEYS = 100_000;
const MOST_ITEMS = 16_000_000;
const MOST_TENSORS = 1_000_000;
const MOST_DIMENSIONS = 4;
const DEEPEST_LIST = 2;
const DEFAULT_ALIGNMENT = 32;
const TEXT = 8;
const LIST = 9;

/** Bytes of the value types that have a fixed size. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/** Whether these bytes begin a GGUF file. */
export function isGguf(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === MAGIC;
}

/**
 * Reads the head of a GGUF file: what it says of itself and of its tensors. Takes time and memory in proportion to the
 * bytes given, whatever they say. Throws EndOfBytes if the header goes on after them, BadHeader if it is none.
 */
export function parseGgufHeader(bytes: Buffer): GgufHeader {
  const cursor = new GgufCursor(bytes);
  if (cursor.u32() !== MAGIC) throw new BadHeader('no GGUF magic');
  const version = cursor.u32();
  if (!VERSIONS.has(version)) throw new BadHeader(`version ${version}; versions 2 and 3 can be read`);
  const tensors = atMost(cursor.count(), MOST_TENSORS, 'tensors');
  const keys = atMost(cursor.count(), MOST_KEYS, 'keys');
  const values = readValues(cursor, keys);
  return { version, values, tensors, ...readTensors(cursor, tensors, alignmentOf(values)) };
}

function readValues(cursor: GgufCursor, keys: number): ReadonlyMap<string, GgufValue> {
  const values = new Map<string, GgufValue>();
  let items = 0;
  const count = (length: number): void => {
    items = atMost(items + length, MOST_ITEMS, 'list items');
  };
  for (let index = 0; index < keys; index += 1) {
    const key = cursor.text();
    if (values.has(key)) throw new BadHeader('a key twice');
    values.set(key, readValue(cursor, cursor.u32(), count));
  }
  return values;
}

function readValue(cursor: GgufCursor, type: number, count: (items: number) => void): GgufValue {
  switch (type) {
    case 0:
      return cursor.integer(1);
    case 1:
      return cursor.signed(1);
    case 2:
      return cursor.integer(2);
    case 3:
      return cursor.signed(2);
    case 4:
      return cursor.u32();
    case 5:
      return cursor.i32();
    case 6:
      return cursor.f32();
    case 7:
      return cursor.integer(1) !== 0;
    case TEXT:
      return cursor.text();
    case LIST:
      return { length: skipList(cursor, count, 1) };
    case 10:
      return cursor.u64();
    case 11:
      return cursor.i64();
    case 12:
      return cursor.f64();
    default:
      throw new BadHeader(`a value of type ${type}`);
  }
}

/** Returns the number of items. */
function skipList(cursor: GgufCursor, count: (items: number) => void, depth: number): number {
  if (depth > DEEPEST_LIST) throw new BadHeader('lists in lists in lists');
  const type = cursor.u32();
  const length = cursor.count();
  count(length);
  const itemBytes = FIXED_BYTES[type];
  if (itemBytes !== undefined) {
    cursor.skip(length * itemBytes);
    return length;
  }
  if (type !== TEXT && type !== LIST) throw new BadHeader(`a list of type ${type}`);
  for (let index = 0; index < length; index += 1) {
    if (type === TEXT) cursor.skipText();
    else skipList(cursor, count, depth + 1);
  }
  return length;
}

function alignmentOf(values: ReadonlyMap<string, GgufValue>): number {
  const alignment = values.get('general.alignment');
  const isUsable = typeof alignment === 'number' && alignment > 0 && alignment <= 65_536;
  return isUsable ? alignment : DEFAULT_ALIGNMENT;
}

function readTensors(
  cursor: GgufCursor,
  tensors: number,
  alignment: number,
): Pick<GgufHeader, 'parameters' | 'bytesByType' | 'leastBytes'> {
  const bytesByType = new Map<string, number>();
  let parameters = 0;
  let dataBytes = 0;
  for (let index = 0; index < tensors; index += 1) {
    cursor.skipText();
    const dimensions = atMost(cursor.u32(), MOST_DIMENSIONS, 'dimensions');
    let numbers = 1;
    for (let dimension = 0; dimension < dimensions; dimension += 1) numbers *= cursor.count();
    const type = TENSOR_TYPES.get(cursor.u32());
    const bytes = type === undefined ? 1 : (numbers / type.blockNumbers) * type.blockBytes;
    parameters += numbers;
    dataBytes = Math.max(dataBytes, cursor.count() + bytes);
    if (type !== undefined) bytesByType.set(type.name, (bytesByType.get(type.name) ?? 0) + bytes);
  }
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  return { parameters, bytesByType, leastBytes: tensors === 0 ? cursor.offset : dataStart + dataBytes };
}

function atMost(value: number, limit: number, what: string): number {
  if (value <= limit) return value;
  throw new BadHeader(`${value} ${what}`);
}
