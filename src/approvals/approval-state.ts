import type { ToolKind, ToolSource } from '../tools/tool.js';

/** Only a pending approval changes, and only once: the first decision stands (`settleApproval`). */
export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled';

export interface ToolIdentity {
  readonly source: ToolSource;
  readonly kind: ToolKind;
  readonly label: string;
}
