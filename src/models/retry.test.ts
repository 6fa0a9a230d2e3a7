import { describe, expect, it } from 'vitest';
import { ModelError } from './model-error.js';
import { withRetries } from './retry.js';
import { TransientFailure } from './transient-failure.js';

const policy = { attempts: 3, firstDelayMs: 1, longestDelayMs: 2 };
const never = new AbortController().signal;
const failure = new TransientFailure(new ModelError('hub_unreachable', 'away'));

function failing(times: number, failWith: () => Error = () => failure) {
  let tries = 0;
  return {
    tries: () => tries,
    attempt: () => {
      tries += 1;
      return tries <= times ? Promise.reject(failWith()) : Promise.resolve(tries);
    },
  };
}

describe('withRetries', () => {
  it('tries again with growing, bounded waits', async () => {
    const waits: number[] = [];
    const { attempt } = failing(2);
    const onRetry = (_: string, delayMs: number): number => waits.push(delayMs);
    expect(await withRetries({ policy, signal: never, what: 'x', onRetry }, attempt)).toBe(3);
    expect(waits).toEqual([1, 2]);
  });

  it('gives up after tries that brought nothing, and says why', async () => {
    const { attempt, tries } = failing(9);
    await expect(withRetries({ policy, signal: never, what: 'x' }, attempt)).rejects.toBe(failure.error);
    expect(tries()).toBe(3);
  });

  it('goes on as long as each try brings something', async () => {
    const { attempt, tries } = failing(9);
    await withRetries({ policy, signal: never, what: 'x', progress: tries }, attempt);
    expect(tries()).toBe(10);
  });

  it('does not try again what is final, and takes a connection that fails for what may come back', async () => {
    const final = new ModelError('unauthorized', 'no');
    const refused = failing(9, () => final);
    await expect(withRetries({ policy, signal: never, what: 'x' }, refused.attempt)).rejects.toBe(final);
    expect(refused.tries()).toBe(1);
    const broken = failing(9, () => new Error('ECONNRESET'));
    await expect(withRetries({ policy, signal: never, what: 'x' }, broken.attempt)).rejects.toMatchObject({
      code: 'hub_unreachable',
      message: 'x: ECONNRESET.',
    });
  });

  it('ends at once when it is stopped, also while it waits', async () => {
    const stop = new AbortController();
    const waiting = withRetries(
      {
        policy: { attempts: 9, firstDelayMs: 600_000, longestDelayMs: 600_000 },
        signal: stop.signal,
        what: 'x',
        onRetry: () => stop.abort(new Error('stopped')),
      },
      failing(9).attempt,
    );
    await expect(waiting).rejects.toThrow('stopped');
  });
});
