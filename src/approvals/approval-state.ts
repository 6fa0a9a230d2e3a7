import type { ToolKind, ToolSource } from '../tools/tool.js';
import { IllegalTransition } from '../runs/run-state.js';

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled';

export interface ToolIdentity {
  readonly source: ToolSource;
  readonly kind: ToolKind;
  readonly label: string;
}

/** Only a pending approval changes, and only once: the first decision stands. */
export function transitionApproval(
  from: ApprovalState,
  to: Exclude<ApprovalState, 'pending'>,
): Exclude<ApprovalState, 'pending'> {
  if (from !== 'pending') throw new IllegalTransition('approval', from, `become ${to}`);
  return to;
}
