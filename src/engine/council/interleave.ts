/** An item of one of several streams, by the stream's place. */
export interface Interleaved<T> {
  readonly source: number;
  readonly item: T;
}

/**
 * Several streams as one, in the order in which their items come. Of each at most one item waits: a slow reader slows
 * them all. Rejects as soon as one does. Who leaves early leaves the streams to end by themselves.
 */
export async function* interleave<T>(
  streams: readonly AsyncIterable<T>[],
): AsyncGenerator<Interleaved<T>, void, void> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const arrived: Interleaved<IteratorResult<T>>[] = [];
  let failure: { readonly reason: unknown } | undefined;
  let wake = Promise.withResolvers<void>();
  const ask = (source: number): void => {
    iterators[source]
      ?.next()
      .then(
        (item) => void arrived.push({ source, item }),
        (reason: unknown) => (failure = { reason }),
      )
      .finally(() => wake.resolve());
  };
  try {
    for (const source of iterators.keys()) ask(source);
    for (let open = iterators.length; open > 0;) {
      await wake.promise;
      wake = Promise.withResolvers<void>();
      if (failure) throw failure.reason;
      for (const { source, item } of arrived.splice(0)) {
        if (item.done) {
          open -= 1;
          continue;
        }
        yield { source, item: item.value };
        ask(source);
      }
    }
  } finally {
    for (const iterator of iterators) void iterator.return?.();
  }
}
