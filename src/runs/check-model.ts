import type { Engine } from '../engine/engine.js';
import { DomainError } from '../errors.js';

/** What clients send that do not care which model answers. */
const ANY_MODEL = 'default';

/** Another model than the one asked for is never put in its place. */
export function checkModel(engine: Pick<Engine, 'status'>, asked: string | undefined): void {
  const { model } = engine.status();
  if (asked === undefined || asked === ANY_MODEL || asked === model) return;
  throw new DomainError(
    'not_found',
    `There is no model ${JSON.stringify(asked.slice(0, 200))} here; this server runs ${JSON.stringify(model)}.`,
    { param: 'model', reason: 'model_not_found' },
  );
}
