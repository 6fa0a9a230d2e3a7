import { z } from 'zod';

/** Why a call got no sandbox, as an HTTP answer would say it. */
export const callRefusalSchema = z.object({
  type: z.enum(['rate_limit_error', 'api_error']),
  code: z.string(),
  message: z.string(),
  /** As `Retry-After`: when another call may have more luck. */
  retry_after_sec: z.number().int().optional(),
});
export type CallRefusal = z.infer<typeof callRefusalSchema>;

/** What a client sees of a call, by the kind of tool. Absent fields are left out. */
export const codeExecutionDataSchema = z.object({
  tool_type: z.literal('code_execution'),
  code: z.string().optional(),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
  exception: z.string().optional(),
  value: z.string().optional(),
  images_base64: z.array(z.string()).optional(),
  video_frames_base64: z.array(z.string()).optional(),
  video_frame_count: z.number().int().optional(),
  working_directory: z.string().optional(),
  execution_time_ms: z.number().optional(),
  cpu_time_ms: z.number().optional(),
  peak_memory_bytes: z.number().int().optional(),
  outcome: z.string().optional(),
  state_kept: z.boolean().optional(),
  error: callRefusalSchema.optional(),
});

export const shellDataSchema = z.object({
  tool_type: z.literal('shell'),
  commands: z.array(z.string()).optional(),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
  exit_code: z.number().int().nullable().optional(),
  status: z.string().optional(),
  working_directory: z.string().optional(),
  timed_out: z.boolean().optional(),
  cpu_time_ms: z.number().optional(),
  peak_memory_bytes: z.number().int().optional(),
  /** Those that run on after the call, of this and of earlier ones. */
  background_processes: z.array(z.object({ pid: z.number().int(), command: z.string() })).optional(),
  error: callRefusalSchema.optional(),
});

export const webSearchDataSchema = z.object({
  tool_type: z.literal('web_search'),
  query: z.string().optional(),
  results_count: z.number().int().optional(),
  sources: z.array(z.string()).optional(),
});

export const customDataSchema = z.object({
  tool_type: z.literal('custom'),
  arguments: z.unknown().optional(),
  content: z.string().optional(),
});

export const toolCallDataSchema = z.discriminatedUnion('tool_type', [
  codeExecutionDataSchema,
  shellDataSchema,
  webSearchDataSchema,
  customDataSchema,
]);
export type ToolCallData = z.infer<typeof toolCallDataSchema>;
