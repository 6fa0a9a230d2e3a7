import { DomainError } from '../../errors.js';
import type { SandboxProfile } from './docker-sandbox-options.js';
import { engineMessage } from './in-time.js';

function failure(code: 'unavailable' | 'storage_full', message: string, cause: unknown): DomainError {
  return new DomainError(code, message, { reason: 'sandbox_unavailable', cause });
}

/** What a failed boot means to a person, and what to do; `reason` is what the engine lacks, if it is known. */
export function bootFailure(error: unknown, { image, gpus }: SandboxProfile, reason?: string): DomainError {
  if (error instanceof DomainError) return error;
  if (reason !== undefined) return failure('unavailable', reason, error);
  const said = engineMessage(error);
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    return failure(
      'storage_full',
      'No sandbox could be started: the disk of the Docker engine is full. Make room there, for example with `docker system prune`.',
      error,
    );
  }
  if (gpus !== undefined && /device driver|nvidia|cdi/i.test(said)) {
    return failure(
      'unavailable',
      `The Docker engine cannot hand its graphics processors to a sandbox (${said}). Install the NVIDIA Container Toolkit where the engine runs and restart the engine, or unset GANTRY_SANDBOX_GPUS.`,
      error,
    );
  }
  return failure('unavailable', `No sandbox could be started from the image ${image}: ${said}`, error);
}
