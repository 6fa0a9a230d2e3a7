import type { Engine } from '../engine/engine.js';
import { modelsOf } from '../engine/models-of.js';
import { DomainError } from '../errors.js';

/** What clients send that do not care which model answers. */
const ANY_MODEL = 'default';

/** Another model than the one asked for is never put in its place. */
export function checkModel(engine: Pick<Engine, 'status'>, asked: string | undefined): void {
  if (asked === undefined || asked === ANY_MODEL) return;
  const models = modelsOf(engine.status());
  if (models.includes(asked)) return;
  const here = models.map((model) => JSON.stringify(model)).join(', ');
  throw new DomainError(
    'not_found',
    `There is no model ${JSON.stringify(asked.slice(0, 200))} here; this server runs ${here}.`,
    { param: 'model', reason: 'model_not_found' },
  );
}
