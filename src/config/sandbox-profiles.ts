import { z } from 'zod';
import { MOST_SECONDS } from './most-seconds.js';

const positive = z.int().positive();

/** `all`, a number, or ids: `GPU-8f0e…,GPU-21c4…` or `0,1` (a single id as `GPU-…`; a bare number is a count). */
export const gpusSchema = z
  .string()
  .regex(/^(all|[1-9]\d?|(GPU|MIG)-[\w/-]+|[\w/-]+(,[\w/-]+)+)$/)
  .transform((text) => {
    if (text === 'all') return 'all' as const;
    return /^\d+$/.test(text) ? Number(text) : text.split(',');
  });

/** One of GANTRY_SANDBOX_PROFILES: what is absent is as in the GANTRY_SANDBOX_ variables. */
const profileSchema = z.strictObject({
  /** `python`, `python-slim`, or an image of the engine. */
  image: z.string().min(1).max(512).optional(),
  memory_mb: positive.min(64).optional(),
  workspace_mb: positive.optional(),
  processes: positive.min(16).optional(),
  cpus: z.number().positive().optional(),
  pool: z.int().min(0).max(64).default(0),
  runtime: z.string().min(1).optional(),
  gpus: gpusSchema.optional(),
  timeout_sec: positive.max(MOST_SECONDS).optional(),
});

export type ProfileSetting = z.infer<typeof profileSchema>;

const PROFILE_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
/** Of the GANTRY_SANDBOX_ variables themselves. */
export const DEFAULT_PROFILE_NAME = 'python';

export const profilesSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'it is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(
    z
      .record(z.string().regex(PROFILE_NAME, 'a name has up to 32 of a-z, 0-9, _ and -'), profileSchema)
      .refine(
        (profiles) => !Object.hasOwn(profiles, DEFAULT_PROFILE_NAME),
        `${DEFAULT_PROFILE_NAME} is the profile of the GANTRY_SANDBOX_ variables`,
      ),
  );
