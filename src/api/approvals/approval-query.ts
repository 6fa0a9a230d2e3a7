import { z } from 'zod';

/** `GET /v1/agent/approvals`. */
export const approvalQuerySchema = z.strictObject({
  status: z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled']).optional(),
  session_id: z.string().max(64).optional(),
});
export type ApprovalQuery = z.infer<typeof approvalQuerySchema>;
