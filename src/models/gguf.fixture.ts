type Value = string | number | boolean | readonly string[] | readonly number[];

interface Tensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  /** ggml's number of the type. */
  readonly type: number;
  /** Bytes from the end of the header on. */
  readonly offset?: number;
}

interface Contents {
  readonly version?: number;
  readonly values?: Readonly<Record<string, Value>>;
  readonly tensors?: readonly Tensor[];
  /** Bytes of zeros after the header. */
  readonly dataBytes?: number;
}

const ALIGNMENT = 32;

/** A GGUF file as llama.cpp would write it. Whole numbers become uint32, in lists int32, others float32. */
export function ggufBytes({ version = 3, values = {}, tensors = [], dataBytes = 0 }: Contents): Buffer {
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    u64(tensors.length),
    u64(Object.keys(values).length),
    ...Object.entries(values).map(([key, value]) => Buffer.concat([text(key), typed(value)])),
    ...tensors.map(tensorInfo),
  ]);
  const padding = (ALIGNMENT - (header.length % ALIGNMENT)) % ALIGNMENT;
  return Buffer.concat([header, Buffer.alloc(padding + dataBytes)]);
}

/** The beginning of a file that says it has this many keys, and then these bytes. */
export function ggufStart(keys: number, rest: Buffer): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(keys), rest]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function typed(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([Number(value)])]);
  if (typeof value === 'number')
    return Number.isInteger(value) ? Buffer.concat([u32(4), u32(value)]) : float(value);
  const items = value.map((item) => (typeof item === 'string' ? text(item) : u32(item)));
  return Buffer.concat([u32(9), u32(typeof value[0] === 'string' ? 8 : 5), u64(value.length), ...items]);
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([u32(6), bytes]);
}

function tensorInfo({ name, dimensions, type, offset = 0 }: Tensor): Buffer {
  return Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), u32(type), u64(offset)]);
}
