import type { BootedKernel } from './booted-kernel.js';

/** Whether a kernel answers within the time, whatever it answers; never rejects. */
export function kernelAnswers({ connection }: BootedKernel, milliseconds: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  connection.request(
    { op: 'ping' },
    { frame: () => undefined, answer: () => resolve(true), lost: () => resolve(false) },
  );
  return promise.finally(() => clearTimeout(timer));
}
