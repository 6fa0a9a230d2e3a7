import { z } from 'zod';
import type { HttpApi } from './http-api.js';

const modelSchema = z.looseObject({ id: z.string() });
export type Model = z.infer<typeof modelSchema>;
const listSchema = z.object({ data: z.array(modelSchema) });

export class ModelsApi {
  constructor(private readonly http: HttpApi) {}

  async list(): Promise<Model[]> {
    return (await this.http.json('/v1/models', listSchema)).data;
  }

  /** What the engine is doing, as the server tells it. */
  status(): Promise<Record<string, unknown>> {
    return this.http.json('/api/inference/status', z.record(z.string(), z.unknown()));
  }
}
