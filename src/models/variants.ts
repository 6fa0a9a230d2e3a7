import { createHash } from 'node:crypto';
import { ModelError } from './model-error.js';
import { hubNameText, type HubName } from './model-name.js';
import { allShards, firstShard, modelStem } from './shards.js';

export interface RepositoryFile {
  /** From the repository's root. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal; absent where the hub does not tell it. */
  readonly sha256?: string;
}

/** One model of a repository: a file, or all its shards in order. */
export interface Variant {
  readonly path: string;
  /** As its name tells it, e.g. `Q4_K_M`; undefined where the name tells none. */
  readonly quantization: string | undefined;
  readonly files: readonly RepositoryFile[];
  readonly missing: readonly string[];
}

const DEFAULT_QUANTIZATION = 'Q4_K_M';
const QUANTIZATION =
  /(?<=^|[-._/])(?:UD-)?(?:I?Q\d(?:_(?:XXS|XS|XL|NL|K|S|M|L|\d))*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4)(?=$|[-._/])/gi;
/** GGUF files that belong to a model and are none: the eyes of one that sees, and what quantizing was steered by. */
const COMPANION = /(?:^|\/)(?:mmproj|[^/]*imatrix)[^/]*$/i;
const MOST_NAMED = 40;

/** The quantization that the name of a file or of its folder tells, in upper case. */
export function quantizationOf(path: string): string | undefined {
  return modelStem(path).match(QUANTIZATION)?.at(-1)?.toUpperCase();
}

/** Groups the files of a repository into models, sorted by path. Files that are no GGUF are left out. */
export function variantsOf(files: readonly RepositoryFile[]): readonly Variant[] {
  const byPath = new Map(files.filter(({ path }) => path.endsWith('.gguf')).map((file) => [file.path, file]));
  const firsts = new Set([...byPath.keys()].map(firstShard));
  return [...firsts].toSorted().map((path) => {
    const paths = allShards(path);
    return {
      path,
      quantization: quantizationOf(path),
      files: paths.flatMap((shard) => byPath.get(shard) ?? []),
      missing: paths.filter((shard) => !byPath.has(shard)),
    };
  });
}

/**
 * The one model that a name means. Never another one in its place: what is not there, or could be several, throws
 * ModelError unknown_variant with all there are; a model with a hole throws missing_shard.
 */
export function chooseVariant(variants: readonly Variant[], name: HubName): Variant {
  const chosen = candidates(variants, name);
  const [variant] = chosen;
  if (variant === undefined || chosen.length > 1) throw unknownVariant(variants, name, chosen);
  if (variant.missing.length === 0) return variant;
  throw new ModelError(
    'missing_shard',
    `${hubNameText(name)} is not whole: ${variant.missing.join(', ')} is missing from the repository.`,
  );
}

/** Tells one listing of a model's files from another; hexadecimal. */
export function versionOf({ files }: Variant): string {
  const listed = files.map(({ path, bytes, sha256 }) => [path, bytes, sha256]);
  return createHash('sha256').update(JSON.stringify(listed)).digest('hex');
}

/** Whether the repository's bare name means this variant. */
export function isDefaultVariant(variants: readonly Variant[], variant: Variant): boolean {
  const chosen = defaultOf(variants);
  return chosen.length === 1 && chosen[0] === variant;
}

function candidates(variants: readonly Variant[], { variant: choice }: HubName): readonly Variant[] {
  switch (choice.by) {
    case 'file':
      return variants.filter(({ path }) => path === firstShard(choice.path));
    case 'quantization':
      return models(variants).filter(({ quantization }) => quantization === choice.quantization);
    case 'default':
      return defaultOf(variants);
    default:
      return choice satisfies never;
  }
}

function defaultOf(variants: readonly Variant[]): readonly Variant[] {
  const all = models(variants);
  if (all.length <= 1) return all;
  const usual = all.filter(({ quantization }) => quantization === DEFAULT_QUANTIZATION);
  return usual.length === 1 ? usual : all;
}

function models(variants: readonly Variant[]): readonly Variant[] {
  return variants.filter(({ path }) => !COMPANION.test(path));
}

function unknownVariant(variants: readonly Variant[], name: HubName, chosen: readonly Variant[]): ModelError {
  const text = hubNameText(name);
  if (variants.length === 0) {
    return new ModelError(
      'unknown_variant',
      `${name.repository} has no GGUF file.`,
      'Only GGUF models can be run; look for a repository of the same model with GGUF in its name.',
    );
  }
  const offered = chosen.length > 1 ? chosen : variants;
  const lines = offered
    .slice(0, MOST_NAMED)
    .map(({ path, quantization }) => `  ${quantization ?? '-'}  ${path}`);
  const more = offered.length > MOST_NAMED ? [`  and ${offered.length - MOST_NAMED} more`] : [];
  return new ModelError(
    'unknown_variant',
    [
      chosen.length > 1 ? `${text} could be any of these:` : `${text} is not there. The repository has:`,
      ...lines,
      ...more,
    ].join('\n'),
    'Name one: hf:owner/repo:quantization, or hf:owner/repo/file.gguf.',
  );
}
