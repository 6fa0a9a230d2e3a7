/** A model in memory, as far as making room is concerned. Bytes. */
export interface Occupant {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds; the smallest was not used for the longest time. */
  readonly lastUsedAt: number;
  /** Neither the default nor at work. */
  readonly mayGo: boolean;
}

export type RoomPlan =
  | { readonly type: 'fits'; readonly unload: readonly string[] }
  /** `reachable`: what could be had if all that may go went. */
  | { readonly type: 'refused'; readonly needed: number; readonly reachable: number };

/** Pure: which models go, the least recently used first and no more than needed. */
export function planRoom(needed: number, free: number, occupants: readonly Occupant[]): RoomPlan {
  const unload: string[] = [];
  let reachable = Math.max(0, free);
  const candidates = occupants.filter(({ mayGo }) => mayGo).toSorted((a, b) => a.lastUsedAt - b.lastUsedAt);
  for (const { name, bytes } of candidates) {
    if (needed <= reachable) break;
    unload.push(name);
    reachable += bytes;
  }
  return needed <= reachable ? { type: 'fits', unload } : { type: 'refused', needed, reachable };
}
