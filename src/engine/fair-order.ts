/**
 * Who waits, in the order to be served: each owner's requests as they came, and among owners first the one who has
 * least at work or ahead in this order. So whoever asks for much waits behind whoever asks for little, and nobody for ever.
 */
export function fairOrder<W extends { readonly owner: string }>(
  waiting: readonly W[],
  atWork: ReadonlyMap<string, number>,
): W[] {
  const ahead = new Map(atWork);
  const ranked = waiting.map((waiter) => {
    const rank = ahead.get(waiter.owner) ?? 0;
    ahead.set(waiter.owner, rank + 1);
    return { waiter, rank };
  });
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ waiter }) => waiter);
}
