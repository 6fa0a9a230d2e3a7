import { ModelError } from './model-error.js';
import { isRepositoryPath } from './repository-path.js';

/** Which of a repository's models is meant; `default` is the only one, or the one in Q4_K_M. */
export type VariantChoice =
  | { readonly by: 'default' }
  | { readonly by: 'quantization'; readonly quantization: string }
  | { readonly by: 'file'; readonly path: string };

export interface HubName {
  readonly kind: 'hub';
  /** `owner/repo`. */
  readonly repository: string;
  /** A branch, a tag or a commit; `main` where none is named. */
  readonly revision: string;
  readonly variant: VariantChoice;
}

export type ModelName =
  | { readonly kind: 'demo' }
  /** A path, or a name inside the models folder. */
  | { readonly kind: 'local'; readonly path: string }
  | HubName;

const HUB_PREFIX = 'hf:';
const OWNER_OR_REPOSITORY = /^\w[\w.-]{0,95}$/;
const QUANTIZATION = /^[A-Za-z0-9][\w-]{0,31}$/;
const REVISION = /^\w[\w.-]*(?:\/\w[\w.-]*)*$/;
const LONGEST_REVISION = 128;

/**
 * Reads what a person or a setting calls a model: `demo`, the path of a GGUF file, a name inside the models folder, or
 * `hf:owner/repo[:quantization | /file.gguf][@revision]`. Throws ModelError invalid_name.
 */
export function parseModelName(text: string): ModelName {
  if (text === 'demo') return { kind: 'demo' };
  if (text.startsWith(HUB_PREFIX)) return parseHubName(text);
  if (text === '' || text.includes('\0')) throw new ModelError('invalid_name', 'A model needs a name.');
  return { kind: 'local', path: text };
}

function parseHubName(text: string): HubName {
  const [body = '', revision = 'main', ...more] = text.slice(HUB_PREFIX.length).split('@');
  const match = /^([^/:]+)\/([^/:]+)(?::([^/:]+)|\/(.+))?$/.exec(body);
  const [, owner = '', repository = '', quantization, path] = match ?? [];
  const isSound =
    more.length === 0 &&
    isPlace(owner) &&
    isPlace(repository) &&
    isRevision(revision) &&
    (quantization === undefined || QUANTIZATION.test(quantization)) &&
    (path === undefined || (isRepositoryPath(path) && path.endsWith('.gguf')));
  if (!isSound) {
    throw new ModelError(
      'invalid_name',
      `${text} is not of the form hf:owner/repo[:quantization | /file.gguf][@revision].`,
    );
  }
  return {
    kind: 'hub',
    repository: `${owner}/${repository}`,
    revision,
    variant: variantChoice(quantization, path),
  };
}

function variantChoice(quantization: string | undefined, path: string | undefined): VariantChoice {
  if (quantization !== undefined) return { by: 'quantization', quantization: quantization.toUpperCase() };
  return path === undefined ? { by: 'default' } : { by: 'file', path };
}

function isPlace(text: string): boolean {
  return OWNER_OR_REPOSITORY.test(text) && !text.includes('..');
}

function isRevision(text: string): boolean {
  return REVISION.test(text) && !text.includes('..') && text.length <= LONGEST_REVISION;
}

/** The name as it is written; what `parseModelName` reads back. */
export function hubNameText({ repository, revision, variant }: HubName): string {
  const at = revision === 'main' ? '' : `@${revision}`;
  switch (variant.by) {
    case 'default':
      return `${HUB_PREFIX}${repository}${at}`;
    case 'quantization':
      return `${HUB_PREFIX}${repository}:${variant.quantization}${at}`;
    case 'file':
      return `${HUB_PREFIX}${repository}/${variant.path}${at}`;
    default:
      return variant satisfies never;
  }
}

/** Where a repository's files lie inside the models folder; each revision but `main` has a folder of its own. */
export function repositoryFolder({ repository, revision }: HubName): string {
  return revision === 'main' ? repository : `${repository}@${revision.replaceAll('/', '@')}`;
}
