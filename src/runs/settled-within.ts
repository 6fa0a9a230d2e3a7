/** Settles when `work` has, whatever came of it, or after `ms`. */
export async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, work.catch(() => undefined)]);
  clearTimeout(timer);
}
