import { fileURLToPath } from 'node:url';
import { createLlamaEngine } from '../../../src/engine/llama/llama-engine.js';
import { sandboxImage } from '../../../src/sandbox/docker/sandbox-image.js';
import { DockerSandboxProvider } from '../../../src/sandbox/docker/docker-sandbox-provider.js';
import { SANDBOX_DEFAULTS } from '../../../src/sandbox/kernel/sandbox-resources.js';
import { IsolatePool } from '../../../src/sandbox/isolate/isolate-pool.js';
import type { Setting } from './evaluate.js';
import { startLocalWeb } from './local-web.js';
import { productTools } from './toolbox.js';

const WAITING_SANDBOXES = 2;
const SANDBOXES = fileURLToPath(new URL('../../../sandboxes', import.meta.url));

export interface StageOptions {
  /** A GGUF file, or `demo`. */
  readonly model: string;
}

/**
 * The product's engine, sandboxes and tools, and a web of its own on the loopback interface. Rejects where there is
 * no Docker engine or no image (`node sandboxes/build-image.mjs` makes it): the model's code never runs without walls.
 */
export async function openStage({ model }: StageOptions): Promise<Setting & AsyncDisposable> {
  const image = await sandboxImage(SANDBOXES);
  const sandboxes = new DockerSandboxProvider(
    {
      ...SANDBOX_DEFAULTS,
      instanceId: `evaluation-${process.pid}`,
      image,
      poolSize: WAITING_SANDBOXES,
    },
    (message) => console.error(message),
  );
  await sandboxes.ready();
  const { available, reason } = sandboxes.protections();
  if (!available) {
    await sandboxes.close();
    throw new Error(`No sandbox for the model's code: ${reason ?? 'unknown reason'}`);
  }
  const engine = createLlamaEngine({
    model,
    homeDirectory: '/nonexistent',
    contextSize: 'auto',
    threads: 1,
    gpu: false,
    sequences: 1,
  });
  const isolates = new IsolatePool();
  const web = await startLocalWeb();
  await isolates.ready();
  const { contextSize } = await engine.capabilities();
  return {
    engine,
    contextSize,
    sandboxes,
    product: productTools(isolates, sandboxes),
    web: web.tools,
    [Symbol.asyncDispose]: async () => {
      web.close();
      await Promise.all([isolates.close(), engine.close(), sandboxes.close()]);
    },
  };
}
