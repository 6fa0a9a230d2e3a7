import { z } from 'zod';
import { CACHE_TYPES, isQuantized } from '../../engine/cache-types.js';
import { LOAD_MODES } from '../../engine/load-mode.js';

const LONGEST_TEMPLATE = 256 * 1024;

const modelName = z.string().min(1).max(1024);
const requestId = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/);

/** What clients of Unsloth Studio send for models of other formats; taken where it changes nothing about a GGUF. */
const elsewhere = {
  load_in_4bit: z.boolean().optional(),
  is_lora: z.literal(false, 'must be false: adapters go with requests, as adapter').optional(),
  trust_remote_code: z.literal(false, 'must be false: a GGUF holds no code').optional(),
  gpu_ids: z
    .array(z.int())
    .max(0, 'must be empty: CUDA_VISIBLE_DEVICES of the server says which it uses')
    .nullish(),
  speculative_type: z
    .literal('off', 'must be "off" or absent: a request asks for predictions itself, by prediction')
    .nullish(),
} as const;

/** What is said of how a model is to be loaded; what is left out is as the server is configured. */
const settingsShape = {
  /** `demo`, a file of the models folder, `hf:owner/repo[:quantization]`, or the name of a model that is loaded. */
  model_path: modelName,
  gguf_variant: z.string().min(1).max(64).nullish(),
  /** Tokens of one conversation; 0: what memory allows, up to what the model was trained for. */
  max_seq_length: z.int().min(0).max(1_048_576).optional(),
  cache_type_kv: z.enum(CACHE_TYPES).nullish(),
  /** Jinja; blank and null: the model's own. */
  chat_template_override: z.string().max(LONGEST_TEMPLATE).nullish(),
  n_parallel: z.int().min(1).max(64).optional(),
  gpu_memory_mode: z.enum(['auto', 'manual']).optional(),
  /** -1: all of them. */
  gpu_layers: z.int().min(-1).max(10_000).optional(),
  n_threads: z.int().min(1).max(1024).optional(),
  flash_attention: z.union([z.boolean(), z.literal('auto')]).optional(),
  /** Tokens that are evaluated at once. */
  n_batch: z.int().min(1).max(65_536).optional(),
  load_mode: z.enum(LOAD_MODES).optional(),
  ...elsewhere,
} as const;

type Settings = z.infer<z.ZodObject<typeof settingsShape>>;

function checkTogether(settings: Settings, context: z.RefinementCtx): void {
  const refuse = (path: keyof Settings, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  const isManual = settings.gpu_memory_mode === 'manual';
  if (isManual && settings.gpu_layers === undefined) {
    refuse('gpu_layers', 'is needed with gpu_memory_mode "manual"');
  }
  if (!isManual && settings.gpu_layers !== undefined) {
    refuse('gpu_layers', 'is for gpu_memory_mode "manual" only');
  }
  const { cache_type_kv: cacheType, flash_attention: flashAttention } = settings;
  if (cacheType && isQuantized(cacheType) && flashAttention === false) {
    refuse('flash_attention', `cannot be false with a cache of ${cacheType}`);
  }
}

/** `POST /api/inference/validate`. */
export const validateRequestSchema = z.strictObject(settingsShape).superRefine(checkTogether);
export type ValidateRequest = z.infer<typeof validateRequestSchema>;

/** `POST /api/inference/load`. */
export const loadRequestSchema = z
  .strictObject({
    ...settingsShape,
    /** For this fetch only, in place of HF_TOKEN. */
    hf_token: z
      .string()
      .max(512)
      .regex(/^[\x21-\x7e]+$/)
      .nullish(),
    load_request_id: requestId.optional(),
    force_reload: z.boolean().optional(),
    force_cancel_active: z.boolean().optional(),
  })
  .superRefine(checkTogether);
export type LoadRequest = z.infer<typeof loadRequestSchema>;

/** `POST /api/inference/unload`: a model, or the load with an id. */
export const unloadRequestSchema = z
  .strictObject({
    model_path: modelName.optional(),
    cancel_load_request_id: requestId.optional(),
    force_cancel_active: z.boolean().optional(),
  })
  .refine(
    ({ model_path: model, cancel_load_request_id: load }) => (model === undefined) !== (load === undefined),
    'needs either model_path or cancel_load_request_id',
  );
export type UnloadRequest = z.infer<typeof unloadRequestSchema>;

/** `GET /api/inference/load-progress`. */
export const progressQuerySchema = z.strictObject({ model: modelName.optional() });
export type ProgressQuery = z.infer<typeof progressQuerySchema>;
