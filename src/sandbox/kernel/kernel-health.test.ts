import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { standInKernel } from '../../../test/support/stand-in-kernel.js';
import { KernelConnection } from './kernel-connection.js';
import { kernelAnswers } from './kernel-health.js';

afterEach(() => vi.useRealTimers());

test('a kernel that answers is well, one that is lost is not', async () => {
  const kernel = standInKernel('a');
  expect(await kernelAnswers(kernel, 5000)).toBe(true);
  await kernel.destroy();
  expect(await kernelAnswers(kernel, 5000)).toBe(false);
});

test('one that says nothing in time is not well', async () => {
  vi.useFakeTimers();
  const [input, output] = [new PassThrough(), new PassThrough()];
  const connection = new KernelConnection({
    input,
    output,
    crashText: () => '',
    destroy: () => undefined,
  });
  const answer = kernelAnswers({ ...standInKernel('deaf'), connection }, 2000);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await answer).toBe(false);
  connection.close('over');
  expect(vi.getTimerCount()).toBe(0);
});
