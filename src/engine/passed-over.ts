/** A member of a pool that did not answer a generation, and why: in its own words, or since it was not asked. */
export interface PassedOver {
  readonly name: string;
  readonly why: string;
}
