import type { LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import { loadModel } from '../../../src/engine/llama/host/load-model.js';

/** A model as the server loads it, but in this process, with one thread and one sequence. */
export interface OnOneCore extends AsyncDisposable {
  readonly model: LlamaModel;
  readonly sequence: LlamaContextSequence;
}

export async function loadOnOneCore(path: string): Promise<OnOneCore> {
  const { model, pool } = await loadModel(
    {
      location: { kind: 'file', path },
      gpu: false,
      contextSize: 2048,
      sequences: 1,
      threads: 1,
      gpuLayers: 0,
      cacheType: 'f16',
      flashAttention: 'auto',
      batchSize: 'auto',
      loadMode: 'auto',
    },
    () => undefined,
  );
  const whoever = { sessionId: 'evaluation', owner: 'evaluation', tokens: [], kept: 0 };
  const { sequence } = await pool.acquire(whoever, new AbortController().signal, () => undefined);
  return { model, sequence, [Symbol.asyncDispose]: () => model.llama.dispose() };
}
