/** Who a request speaks for. Services take `name`; it owns sessions and files. */
export interface Principal {
  readonly name: string;
  /** The API key's id, or `ticket` when a ticket was redeemed. */
  readonly keyId: string;
}

/** The principal whom the first key speaks for. */
export const OWNER = 'owner';
