import { describe, expect, it } from 'vitest';
import { settlesWithin } from './settles-within.js';

describe('settlesWithin', () => {
  it('says whether the work was over in time, and fails as it does', async () => {
    expect(await settlesWithin(Promise.resolve(), 1000)).toBe(true);
    expect(await settlesWithin(new Promise(() => undefined), 5)).toBe(false);
    await expect(settlesWithin(Promise.reject(new Error('failed')), 1000)).rejects.toThrow('failed');
  });

  it('is not disturbed by what fails later', async () => {
    const work = Promise.withResolvers<void>();
    expect(await settlesWithin(work.promise, 5)).toBe(false);
    work.reject(new Error('late'));
    await new Promise(setImmediate);
  });
});
