import { FILE_TYPES } from './ggml-types.js';
import type { GgufValue } from './parse-gguf-header.js';
import type { ModelFile } from './read-model-files.js';
import { type TemplateFacts, templateFacts } from './template-family.js';

/** What the headers of a model's files say. Texts are the file's own and may hold anything. Sizes in bytes. */
export interface ModelFacts {
  readonly title: string | undefined;
  readonly architecture: string | undefined;
  readonly quantization: string | undefined;
  readonly parameters: number;
  readonly bytes: number;
  readonly files: number;
  /** Tokens that it was trained for. */
  readonly contextLength: number | undefined;
  readonly embeddingLength: number | undefined;
  readonly layers: number | undefined;
  readonly tokenizer: string | undefined;
  readonly vocabularySize: number | undefined;
  /** Undefined for a model without a template: one that continues text and knows no turns. */
  readonly template: TemplateFacts | undefined;
  readonly license: string | undefined;
  readonly version: number;
}

/** Pure: the facts of a model from its files, the first one first. */
export function modelFacts(files: readonly [ModelFile, ...ModelFile[]]): ModelFacts {
  const { values, version } = files[0].header;
  const architecture = textOf(values.get('general.architecture'));
  const ofArchitecture = (key: string): number | undefined =>
    numberOf(values.get(`${architecture ?? ''}.${key}`));
  const template = textOf(values.get('tokenizer.chat_template'));
  return {
    title: textOf(values.get('general.name')),
    architecture,
    quantization: quantizationOf(files),
    parameters: sum(files, ({ header }) => header.parameters),
    bytes: sum(files, ({ bytes }) => bytes),
    files: files.length,
    contextLength: ofArchitecture('context_length'),
    embeddingLength: ofArchitecture('embedding_length'),
    layers: ofArchitecture('block_count'),
    tokenizer: textOf(values.get('tokenizer.ggml.model')),
    vocabularySize: lengthOf(values.get('tokenizer.ggml.tokens')) ?? ofArchitecture('vocab_size'),
    template: template === undefined ? undefined : templateFacts(template),
    license: textOf(values.get('general.license')),
    version,
  };
}

/** What the file calls itself; where it does not, the type that most of its bytes have. */
function quantizationOf(files: readonly [ModelFile, ...ModelFile[]]): string | undefined {
  const named = FILE_TYPES.get(numberOf(files[0].header.values.get('general.file_type')) ?? -1);
  if (named !== undefined) return named;
  const bytes = new Map<string, number>();
  for (const { header } of files) {
    for (const [type, count] of header.bytesByType) bytes.set(type, (bytes.get(type) ?? 0) + count);
  }
  return [...bytes].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function textOf(value: GgufValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: GgufValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function lengthOf(value: GgufValue | undefined): number | undefined {
  return typeof value === 'object' ? value.length : undefined;
}
