import { z } from 'zod';

const call = z.number().int().nonnegative();
const request = z.number().int().nonnegative();

/** What guest code may ask of the host. */
export const guestOperationSchema = z.discriminatedUnion('name', [
  z.object({ name: z.literal('readFile'), path: z.string().max(1024) }),
  /** The content is the frame's body. */
  z.object({ name: z.literal('writeFile'), path: z.string().max(1024) }),
  z.object({ name: z.literal('listFiles') }),
  /** The arguments are the frame's body, as JSON. */
  z.object({ name: z.literal('callTool'), tool: z.string().max(1024) }),
]);
export type GuestOperation = z.infer<typeof guestOperationSchema>;

/** From the child. Hostile: a guest that broke out of its isolate writes these. */
export const childFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('output'), call, stream: z.enum(['stdout', 'stderr']), text: z.string() }),
  z.object({ type: z.literal('request'), call, request, operation: guestOperationSchema }),
  z.object({
    type: z.literal('done'),
    call,
    outcome: z.enum(['completed', 'failed', 'interrupted', 'out_of_memory']),
    value: z.string().optional(),
    error: z.string().optional(),
    outputTruncated: z.boolean(),
    /** What the session keeps leaves no room for another call. */
    heapFull: z.boolean(),
  }),
]);
export type ChildFrame = z.infer<typeof childFrameSchema>;
export type DoneFrame = Extract<ChildFrame, { type: 'done' }>;

/** To the child, which trusts its host. The content of an `ok` reply is the frame's body. */
export type HostFrame =
  | {
      readonly type: 'run';
      readonly call: number;
      readonly code: string;
      readonly tools: readonly string[];
      readonly limits: GuestLimits;
    }
  | { readonly type: 'interrupt'; readonly call: number }
  | { readonly type: 'reply'; readonly call: number; readonly request: number; readonly error?: string };

export interface GuestLimits {
  readonly timeoutMs: number;
  /** Both streams together. */
  readonly maxOutputBytes: number;
  readonly maxValueChars: number;
}
