import { z } from 'zod';

/** `POST /v1/runs/{id}/steer`: a user message for the run's next round. */
export const steerSchema = z.strictObject({ text: z.string().min(1, 'must not be empty').max(100_000) });
export type SteerRequest = z.infer<typeof steerSchema>;
