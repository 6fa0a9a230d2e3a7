import type { Engine, EngineStatus, ServedModel } from './engine.js';
import { modelsOf } from './models-of.js';

/** What clients send that do not care which model answers. */
const ANY_MODEL = 'default';

/** Whether a request leaves the choice to the server. */
export function asksForDefault(asked: string | undefined): asked is undefined | typeof ANY_MODEL {
  return asked === undefined || asked === ANY_MODEL;
}

/** The models of an engine, the one for requests without a name first. */
export function servedModels(engine: Pick<Engine, 'status' | 'models'>): readonly ServedModel[] {
  return engine.models?.() ?? [servedBy(engine.status())];
}

export function servedBy(status: EngineStatus): ServedModel {
  return { names: modelsOf(status), status };
}

/** The model that a request asks for; undefined when it is not here. */
export function servedModel(
  engine: Pick<Engine, 'status' | 'models'>,
  asked: string | undefined,
): ServedModel | undefined {
  const models = servedModels(engine);
  return asksForDefault(asked) ? models[0] : models.find(({ names }) => names.includes(asked));
}
