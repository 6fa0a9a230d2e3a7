import { DomainError, messageOf } from '../../errors.js';
import { ModelError, type ModelErrorCode } from '../../models/model-error.js';
import { EngineError } from '../engine-error.js';
import type { ModelUse, ResidentModel } from './resident-model.js';

/** A run that works with a model, or waits for its turn with it. */
export interface RunUse {
  readonly runId: string;
  readonly sessionId: string;
  readonly owner: string;
}

const MOST_NAMED = 10;

/** Not 403: that is of the key, and clients give up at it. */
const CODES = {
  invalid_name: 'invalid_request',
  not_found: 'not_found',
  unauthorized: 'invalid_request',
  unknown_variant: 'not_found',
  missing_shard: 'invalid_request',
  hub_unreachable: 'unavailable',
  hub_answer: 'unavailable',
  size_mismatch: 'unavailable',
  checksum_mismatch: 'unavailable',
  not_enough_space: 'storage_full',
  disk_full: 'storage_full',
  cannot_write: 'unavailable',
  bad_file: 'invalid_request',
  protected: 'invalid_request',
} as const satisfies Record<ModelErrorCode, DomainError['code']>;

/** What went wrong with a model, for the client that asked for it. Anything unexpected stays as it is. */
export function asModelRefusal(error: unknown): unknown {
  if (error instanceof ModelError) {
    const message = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
    const reason = error.code === 'protected' ? 'outside_models_folder' : error.code;
    return new DomainError(CODES[error.code], message, { param: 'model_path', reason, cause: error });
  }
  if (error instanceof EngineError) {
    return new DomainError('invalid_request', messageOf(error), {
      param: 'model_path',
      reason: 'model_load_failed',
      cause: error,
    });
  }
  return error;
}

/** Names what of the asker's own works with the model, and counts the rest. */
export function busyModel(
  { name, openUses }: ResidentModel,
  runs: readonly RunUse[],
  owner: string,
): DomainError {
  const all: readonly (ModelUse & { readonly runId?: string })[] = [...runs, ...openUses];
  const own = all.filter((use) => use.owner === owner);
  const sessions = list('session', [...new Set(own.flatMap(({ sessionId }) => sessionId ?? []))]);
  const named = list(
    'run',
    own.flatMap(({ runId }) => runId ?? []),
  );
  const others = new Set(all.filter((use) => use.owner !== owner).map(({ sessionId }) => sessionId)).size;
  const told = [sessions, named, others === 0 ? '' : `${others} others`].filter((text) => text !== '');
  return new DomainError(
    'conflict',
    `The model "${name}" is at work or waited for: ${told.join('; ')}. ` +
      'Try again when they have ended, or set force_cancel_active to end them.',
    { reason: 'model_busy' },
  );
}

function list(what: string, ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${what}${ids.length === 1 ? '' : 's'} ${ids.slice(0, MOST_NAMED).join(', ')}${more}`;
}

export function notEnoughMemory(name: string, needed: number, reachable: number): DomainError {
  return new DomainError(
    'storage_full',
    `The model "${name}" needs about ${mebibytes(needed)} MiB with its context, and ${mebibytes(reachable)} MiB can be ` +
      'had, also when all models that are idle are unloaded. Choose a smaller model or context, or raise GANTRY_MODEL_MEMORY_MB.',
    { reason: 'insufficient_memory' },
  );
}

export function conflict(reason: string, message: string): DomainError {
  return new DomainError('conflict', message, { reason });
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
