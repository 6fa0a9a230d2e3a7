import { basename } from 'node:path';
import { demoModelPath } from '../../models/demo-model.js';
import type { HubAccess } from '../../models/hub-request.js';
import { localModelPath } from '../../models/locate-model.js';
import { ModelError } from '../../models/model-error.js';
import { hubNameText, type HubName, parseModelName } from '../../models/model-name.js';
import { modelsFolder } from '../../models/models-folder.js';
import { firstShard, modelStem } from '../../models/shards.js';
import { EngineError } from '../engine-error.js';
import type { ModelLocation } from './protocol.js';

export interface ModelSource {
  /** What clients call the model. */
  readonly name: string;
  readonly location: ModelLocation;
  /** Set where the model is known to need it. */
  readonly defaultTemperature?: number;
}

/**
 * Reads the value of MODEL (src/models/model-name.ts has its forms); a path is taken from the working directory, or
 * from `<homeDirectory>/models` where there is none. Throws EngineError model_not_found or invalid_request.
 */
export function parseModelSource(model: string, homeDirectory: string, hub: HubAccess): ModelSource {
  try {
    return sourceOf(model, modelsFolder(homeDirectory), hub);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const code = error.code === 'invalid_name' ? 'invalid_request' : 'model_not_found';
    throw new EngineError(code, error.message, { cause: error });
  }
}

function sourceOf(model: string, modelsDirectory: string, hub: HubAccess): ModelSource {
  const name = parseModelName(model);
  switch (name.kind) {
    case 'demo':
      // Small enough that any other token than its first choice is likely to be nonsense; this is
      // also how it was evaluated.
      return { name: 'demo', location: { kind: 'file', path: demoModelPath() }, defaultTemperature: 0 };
    case 'local': {
      // The native loader finds the other shards from the first.
      const path = firstShard(localModelPath(name.path, modelsDirectory));
      return { name: modelStem(basename(path)), location: { kind: 'file', path } };
    }
    case 'hub':
      return {
        name: shownName(name),
        location: { kind: 'hub', uri: hubNameText(name), modelsDirectory, hub },
      };
    default:
      return name satisfies never;
  }
}

function shownName(name: HubName): string {
  return name.variant.by === 'file'
    ? modelStem(basename(name.variant.path))
    : hubNameText(name).slice('hf:'.length);
}
