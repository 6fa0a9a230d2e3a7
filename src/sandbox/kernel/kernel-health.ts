import type { BootedKernel } from './booted-kernel.js';
import { listFiles } from './kernel-files.js';

/** Whether a kernel at rest still answers within the time; never rejects. */
export async function kernelAnswers({ connection }: BootedKernel, milliseconds: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  const answered = listFiles(connection).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, promise]);
  } finally {
    clearTimeout(timer);
  }
}
