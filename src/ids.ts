import { v7 } from 'uuid';

/** The prefix tells a reader, and a wrong argument, what an id names. */
export type IdPrefix = 'sess' | 'run' | 'call' | 'appr' | 'file' | 'msg' | 'rule' | 'key' | 'tkt' | 'work';

/** A time-ordered id: `<prefix>_` and a UUIDv7 as 32 hex digits. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${v7().replaceAll('-', '')}`;
}
