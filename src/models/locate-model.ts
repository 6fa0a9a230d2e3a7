import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { demoModelPath } from './demo-model.js';
import { findPulled } from './find-pulled.js';
import { ModelError } from './model-error.js';
import { hubNameText, type ModelName } from './model-name.js';

/** A path of its own, or a name inside the models folder where nothing has that path. */
export function localModelPath(path: string, modelsDirectory: string): string {
  if (isAbsolute(path)) return path;
  const fromHere = resolve(path);
  const fromModels = join(modelsDirectory, path);
  return !existsSync(fromHere) && existsSync(fromModels) ? fromModels : fromHere;
}

/** Where a model lies that is on this machine already. Rejects with ModelError not_found for one of a hub that is not. */
export async function locateModel(name: ModelName, modelsDirectory: string): Promise<string> {
  switch (name.kind) {
    case 'demo':
      return demoModelPath();
    case 'local':
      return localModelPath(name.path, modelsDirectory);
    case 'hub': {
      const path = await findPulled(name, modelsDirectory);
      if (path !== undefined) return path;
      const text = hubNameText(name);
      throw new ModelError(
        'not_found',
        `${text} is not on this machine.`,
        `Fetch it: gantry models pull ${text}`,
      );
    }
    default:
      return name satisfies never;
  }
}
