import { z } from 'zod';
import type { HttpApi } from './http-api.js';

const modelSchema = z.looseObject({ id: z.string() });
export type Model = z.infer<typeof modelSchema>;
const listSchema = z.object({ data: z.array(modelSchema) });

const loadedSchema = z.looseObject({
  status: z.enum(['loaded', 'already_loaded']),
  model: z.string(),
  context_length: z.number().nullable(),
  device: z.string().nullable(),
  memory_bytes: z.number().nullable(),
});
export type LoadedModel = z.infer<typeof loadedSchema>;

const progressSchema = z.object({
  phase: z.string().nullable(),
  bytes_loaded: z.number(),
  bytes_total: z.number(),
  fraction: z.number(),
});
/** Bytes of what the phase fetches or reads; `fraction` is 0 to 1 within the phase. */
export type LoadProgress = z.infer<typeof progressSchema>;

/** As `POST /api/inference/load` takes it (docs/protocol.md); what is absent is as the server is configured. */
export interface LoadModel {
  readonly model_path: string;
  readonly max_seq_length?: number;
  readonly cache_type_kv?: string;
  readonly chat_template_override?: string;
  readonly n_parallel?: number;
  readonly gpu_memory_mode?: 'auto' | 'manual';
  readonly gpu_layers?: number;
  readonly n_threads?: number;
  readonly n_batch?: number;
  readonly load_mode?: 'auto' | 'none' | 'mmap' | 'mlock' | 'mmap+mlock' | 'dio';
  readonly load_request_id?: string;
  readonly force_reload?: boolean;
  readonly force_cancel_active?: boolean;
}

export class ModelsApi {
  constructor(private readonly http: HttpApi) {}

  async list(): Promise<Model[]> {
    return (await this.http.json('/v1/models', listSchema)).data;
  }

  /** What the engine is doing, as the server tells it. */
  status(): Promise<Record<string, unknown>> {
    return this.http.json('/api/inference/status', z.record(z.string(), z.unknown()));
  }

  /** Resolves when the model is in memory. */
  load(request: LoadModel): Promise<LoadedModel> {
    return this.http.json('/api/inference/load', loadedSchema, { method: 'POST', json: request });
  }

  progress(model: string): Promise<LoadProgress> {
    return this.http.json('/api/inference/load-progress', progressSchema, { query: { model } });
  }

  async unload(model: string, options: { readonly force_cancel_active?: boolean } = {}): Promise<void> {
    await this.http.send('/api/inference/unload', {
      method: 'POST',
      json: { model_path: model, ...options },
    });
  }

  /** Ends the load with that `load_request_id`, also one that is still on its way to the server. */
  async cancelLoad(requestId: string): Promise<void> {
    const json = { cancel_load_request_id: requestId };
    await this.http.send('/api/inference/unload', { method: 'POST', json });
  }
}
