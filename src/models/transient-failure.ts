import { messageOf } from '../errors.js';
import type { HubAnswer } from './hub-answer.js';
import { ModelError } from './model-error.js';

/** What may well succeed when it is tried again; `error` is what to say if it never does. */
export class TransientFailure extends Error {
  constructor(
    readonly error: ModelError,
    /** How long the hub asks us to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(error.message, { cause: error });
    this.name = 'TransientFailure';
  }
}

const LONGEST_ASKED_WAIT_MS = 60_000;
const UNREACHABLE_HINT =
  'Check that the hub (HF_ENDPOINT) can be reached from this machine; or fetch the file elsewhere, put it into the ' +
  'models folder and use its name. MODEL=demo needs no network.';

/** An answer that is not the one asked for. `what` says for whom it was, e.g. `owner/repo`. */
export function failedAnswer(answer: HubAnswer, what: string): ModelError | TransientFailure {
  const { status } = answer;
  if (status === 401 || status === 403) {
    return new ModelError(
      'unauthorized',
      `The hub refuses ${what} (${status}): it is gated or private, or does not exist.`,
      'Check the name. For a gated model accept its licence on its page and set HF_TOKEN to a token that may read it. ' +
        'MODEL=demo needs no network.',
    );
  }
  if (status === 404) {
    return new ModelError(
      'not_found',
      `The hub has no ${what} (404).`,
      'Check the name and, where one is named, the revision. MODEL=demo needs no network.',
    );
  }
  const error = new ModelError('hub_answer', `The hub answers ${status} for ${what}.`, UNREACHABLE_HINT);
  if (status !== 408 && status !== 429 && status < 500) return error;
  return new TransientFailure(error, retryAfter(answer.header('retry-after')));
}

/** A connection that could not be made or broke. ModelErrors stay what they are. */
export function failedConnection(error: unknown, what: string): ModelError | TransientFailure {
  if (error instanceof ModelError || error instanceof TransientFailure) return error;
  return new TransientFailure(
    new ModelError('hub_unreachable', `${what}: ${messageOf(error)}.`, UNREACHABLE_HINT, { cause: error }),
  );
}

function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_ASKED_WAIT_MS) : undefined;
}
