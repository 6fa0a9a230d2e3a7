import type { Engine, EngineStatus } from '../../../src/engine/engine.js';
import { createLlamaEngine } from '../../../src/engine/llama/llama-engine.js';

export async function withEngine(
  { model = 'demo', home, sequences }: { model?: string; home: string; sequences: number },
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = createLlamaEngine({
    model,
    homeDirectory: home,
    contextSize: 'auto',
    threads: 'auto',
    gpu: false,
    sequences,
    stateCacheBytes: 1024 ** 3,
  });
  try {
    await engine.capabilities();
    await work(engine);
  } finally {
    await engine.close();
  }
}

export function readyStatus(status: EngineStatus): Extract<EngineStatus, { state: 'ready' }> {
  if (status.state !== 'ready') throw new Error(`The model is ${status.state}.`);
  return status;
}
