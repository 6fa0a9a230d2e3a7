import { z } from 'zod';

export const MAX_LISTED_FILES = 1000;

const purpose = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/i, 'must be a word of letters, digits, _ and -');
const id = z.string().min(1).max(64);

/** The fields beside `file` in the form of `POST /v1/files`. */
export const uploadFileSchema = z.strictObject({
  purpose: purpose.default('user_data'),
  /** Puts the file into this session's working directory too. */
  session_id: id.optional(),
});
export type UploadFileRequest = z.infer<typeof uploadFileSchema>;

/** `GET /v1/files`. */
export const listFilesSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LISTED_FILES).default(100),
  /** The last id of the page before. */
  after: id.optional(),
  session_id: id.optional(),
  purpose: purpose.optional(),
  /** By the time they were made. */
  order: z.enum(['asc', 'desc']).default('desc'),
});
export type ListFilesRequest = z.infer<typeof listFilesSchema>;
