import type { Engine } from '../engine/engine.js';
import { asksForDefault, servedModel, servedModels } from '../engine/served-models.js';
import { DomainError } from '../errors.js';

/** Another model than the one asked for is never put in its place. */
export function checkModel(engine: Pick<Engine, 'status' | 'models'>, asked: string | undefined): void {
  if (asksForDefault(asked) || servedModel(engine, asked) !== undefined) return;
  const names = servedModels(engine).flatMap((model) => model.names);
  const here = [...new Set(names)].map((name) => JSON.stringify(name)).join(', ');
  throw new DomainError(
    'not_found',
    `There is no model ${JSON.stringify(asked.slice(0, 200))} here; this server runs ${here === '' ? 'none' : here}.`,
    { param: 'model', reason: 'model_not_found' },
  );
}
