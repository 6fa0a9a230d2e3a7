import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { EngineError } from '../engine-error.js';
import type { ModelLocation } from './protocol.js';

export interface ModelSource {
  /** What clients call the model. */
  readonly name: string;
  readonly location: ModelLocation;
  /** Set where the model is known to need it. */
  readonly defaultTemperature?: number;
}

const DEMO_FILE = join('models', 'demo', 'demo-agent.gguf');

/**
 * Reads the value of MODEL: `demo`, the path of a GGUF file (from the working directory, or a
 * name inside `<homeDirectory>/models`), or `hf:owner/repo[:quantization | /file.gguf]`.
 * Throws EngineError model_not_found or invalid_request.
 */
export function parseModelSource(model: string, homeDirectory: string): ModelSource {
  if (model === 'demo') {
    // Small enough that any other token than its first choice is likely to be nonsense; this is
    // also how it was evaluated.
    return { name: 'demo', location: { kind: 'file', path: demoModelPath() }, defaultTemperature: 0 };
  }
  if (model.startsWith('openai:')) {
    throw new EngineError(
      'invalid_request',
      'This build runs GGUF models only; servers that speak the OpenAI API are not supported yet.',
    );
  }
  const modelsDirectory = join(homeDirectory, 'models');
  if (model.startsWith('hf:')) return hubSource(model, modelsDirectory);
  return {
    name: basename(model, '.gguf'),
    location: { kind: 'file', path: localPath(model, modelsDirectory) },
  };
}

function hubSource(uri: string, modelsDirectory: string): ModelSource {
  const path = uri.slice('hf:'.length);
  if (!/^[\w.-]+\/[\w.-]+(?:[:/][\w./-]+)?$/.test(path) || path.split(/[/:]/).includes('..')) {
    throw new EngineError('invalid_request', `${uri} is not of the form hf:owner/repo[:quantization].`);
  }
  const name = path.endsWith('.gguf') ? basename(path, '.gguf') : path;
  return { name, location: { kind: 'hub', uri, modelsDirectory } };
}

function localPath(model: string, modelsDirectory: string): string {
  if (isAbsolute(model)) return model;
  const fromHere = resolve(model);
  const fromModels = join(modelsDirectory, model);
  return !existsSync(fromHere) && existsSync(fromModels) ? fromModels : fromHere;
}

/** The demo model lies in the repository, at another distance from the sources than from the build. */
export function demoModelPath(): string {
  let directory = import.meta.dirname;
  for (;;) {
    const path = join(directory, DEMO_FILE);
    if (existsSync(path)) return path;
    const parent = dirname(directory);
    if (parent === directory) {
      throw new EngineError(
        'model_not_found',
        `The demo model (${DEMO_FILE}) is not part of this installation.`,
      );
    }
    directory = parent;
  }
}
