import { z } from 'zod';

const pathSchema = z.string().min(1).max(1024);
const sizeSchema = z.number().int().nonnegative();
const textSchema = z.string().max(256 * 1024);

const fileSchema = z.object({
  path: pathSchema,
  bytes: sizeSchema,
  modifiedAtMs: z.number(),
  executable: z.boolean().default(false),
});

const changeSchema = z.discriminatedUnion('change', [
  fileSchema.extend({ change: z.literal('created') }),
  fileSchema.extend({ change: z.literal('modified') }),
  z.object({ change: z.literal('deleted'), path: pathSchema }),
]);

const overflowSchema = z.object({
  stream: z.enum(['stdout', 'stderr']),
  droppedBytes: sizeSchema,
  file: z.object({ path: pathSchema, bytes: sizeSchema, missingBytes: sizeSchema }).optional(),
  problem: z.string().max(4096).optional(),
});

const backgroundSchema = z.object({ pid: sizeSchema, command: z.string().max(512) });

/** What the kernel says in JSON frames. It runs beside hostile code: nothing passes that is not listed. */
export const kernelMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    python: z.string().max(32),
    preloaded: z.array(z.string().max(64)).max(32),
    /** Whether the second system call filter is on. */
    filtered: z.boolean(),
  }),
  z.object({
    type: z.literal('result'),
    id: sizeSchema,
    outcome: z.enum(['completed', 'failed', 'interrupted', 'timed_out', 'out_of_memory', 'died']),
    stateKept: z.boolean(),
    value: textSchema.optional(),
    exception: textSchema.optional(),
    exitCode: z.number().int().optional(),
    frames: sizeSchema.default(0),
    overflows: z.array(overflowSchema).max(2),
    /** Of a call that was taken over from an earlier host. */
    imagesNotKept: sizeSchema.optional(),
    closed: z.array(z.enum(['stdout', 'stderr'])).default([]),
    durationMs: z.number().nonnegative(),
    cpuMs: z.number().nonnegative().optional(),
    peakMemoryBytes: sizeSchema.optional(),
    oomKills: sizeSchema,
    background: z.array(backgroundSchema).max(64),
    changes: z.array(changeSchema).max(20_000),
  }),
  z.object({
    type: z.literal('done'),
    id: sizeSchema,
    files: z.array(fileSchema).max(10_000).optional(),
    changes: z.array(changeSchema).max(20_000).optional(),
  }),
  z.object({
    type: z.literal('refused'),
    /** 0 for a request that did not say whose it is. */
    id: sizeSchema,
    code: z.enum([
      'not_found',
      'refused',
      'invalid_path',
      'invalid_request',
      'too_large',
      'storage_full',
      'unavailable',
    ]),
    message: z.string().max(4096),
  }),
]);

export type KernelMessage = z.infer<typeof kernelMessageSchema>;
export type KernelReady = Extract<KernelMessage, { type: 'ready' }>;
export type KernelResult = Extract<KernelMessage, { type: 'result' }>;
export type KernelRefusal = Extract<KernelMessage, { type: 'refused' }>;
export type KernelDone = Extract<KernelMessage, { type: 'done' }>;
