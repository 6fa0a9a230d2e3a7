/** Work of one lane is done one after the other, in the order given; lanes do not wait for each other. */
export class Lanes {
  private readonly tails = new Map<string, Promise<void>>();

  /** Settles as `work` does. Work that fails does not stop its lane. */
  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(lane) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.tails.set(lane, tail);
    try {
      return await result;
    } finally {
      if (this.tails.get(lane) === tail) this.tails.delete(lane);
    }
  }
}
