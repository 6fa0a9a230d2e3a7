import type { CallFormat } from './written-call.js';

/** Where an opener has been matched so far; `found` at its end. No opener begins another one. */
export interface OpenerNode {
  readonly next: Map<string, OpenerNode>;
  found?: { readonly format: CallFormat; readonly opener: string };
}

export function openerTree(formats: readonly CallFormat[], names: readonly string[]): OpenerNode {
  const root: OpenerNode = { next: new Map() };
  for (const format of formats)
    for (const opener of format.openers(names)) {
      let node = root;
      for (const unit of opener) {
        const child: OpenerNode = node.next.get(unit) ?? { next: new Map() };
        node.next.set(unit, child);
        node = child;
      }
      node.found = { format, opener };
    }
  return root;
}
