/** What has less to read than this is short: a round of a conversation that goes on. Tokens. */
const SHORT = 256;
/** Who has much to read lets so many pass that came later. */
const PATIENCE = 3;

export interface Reading {
  /** Tokens that are still to be evaluated. */
  readonly unread: number;
  /** How many that came later were served before. */
  readonly passedBy: number;
}

/**
 * The same requests, short ones before long ones, each kind as it came: a person who waits for the next round is served
 * before a document is read, and no document waits for ever.
 */
export function shortFirst<W extends Reading>(waiting: readonly W[]): W[] {
  const yields = ({ unread, passedBy }: Reading) => unread >= SHORT && passedBy < PATIENCE;
  return [...waiting.filter((waiter) => !yields(waiter)), ...waiting.filter(yields)];
}
