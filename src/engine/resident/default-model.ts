import { realpathSync } from 'node:fs';
import type { Config } from '../../config/config.js';
import { OPENAI_PREFIX, publicModelName } from '../openai/upstream-address.js';
import { parseModelSource } from '../llama/model-source.js';
import { ResidentModel } from './resident-model.js';
import type { ResidentSettings } from './resident-settings.js';

/** How a model is loaded where nobody says otherwise. */
export function configuredSettings({ contextSize, sequences, threads }: Config['engine']): ResidentSettings {
  return {
    contextSize,
    sequences,
    threads,
    cacheType: 'f16',
    gpuLayers: 'auto',
    flashAttention: 'auto',
    batchSize: 'auto',
    loadMode: 'auto',
  };
}

/** What MODEL names, not opened yet. Never throws: what cannot be opened tells so itself. */
export function defaultModel({ engine, home, hub }: Config): ResidentModel {
  const { model, fallbackModels } = engine;
  if (fallbackModels.length > 0 || model.startsWith(OPENAI_PREFIX)) {
    const names = [publicModelName(model)] as const;
    return new ResidentModel({ names, path: undefined, settings: undefined, isDefault: true });
  }
  const { names, path } = identityOf(model, () => parseModelSource(model, home, hub));
  return new ResidentModel({ names, path, settings: configuredSettings(engine), isDefault: true });
}

function identityOf(
  model: string,
  parse: () => ReturnType<typeof parseModelSource>,
): { readonly names: readonly [string, ...string[]]; readonly path: string | undefined } {
  try {
    const { name, location } = parse();
    if (location.kind === 'hub') return { names: [name, location.uri], path: undefined };
    return { names: name === model ? [name] : [name, model], path: realPath(location.path) };
  } catch {
    // The engine that is made of it fails for the same reason, and tells it.
    return { names: [model], path: undefined };
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
