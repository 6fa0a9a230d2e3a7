import { councilNameProblem, expertsOf, isCouncil } from '../engine/council-name.js';
import type { Engine } from '../engine/engine.js';
import { servedModel, servedModels } from '../engine/served-models.js';
import { DomainError } from '../errors.js';
import type { RunOptions } from './run-request.js';

type Models = Pick<Engine, 'status' | 'models'>;

/** Another model than the one asked for is never put in its place. */
export function checkModel(engine: Models, asked: string | undefined): void {
  if (!isCouncil(asked)) {
    requireModel(engine, asked, 'model');
    return;
  }
  const problem = councilNameProblem(asked);
  if (problem !== undefined) throw invalidCouncil(problem, 'model');
  for (const expert of expertsOf(asked)) requireModel(engine, expert, 'model');
}

/** The model and, for a council, all that it needs. Rejects with DomainError `not_found` or `invalid_request`. */
export function checkModelOptions(engine: Models, { model, council, logprobs, raw }: RunOptions): void {
  checkModel(engine, model);
  if (isCouncil(model) && (logprobs === true || raw !== undefined)) {
    const param = raw === undefined ? 'logprobs' : 'raw';
    throw new DomainError('invalid_request', `${param}: tokens are those of one model, so name one.`, {
      param,
    });
  }
  if (council === undefined) return;
  if (!isCouncil(model))
    throw invalidCouncil('council needs a council as its model: council:a,b,c.', 'council');
  const { strategy = 'judge', judge } = council;
  if (judge === undefined) return;
  if (strategy !== 'judge' && strategy !== 'merge') {
    throw invalidCouncil(`council.judge is for judge and merge, not for ${strategy}.`, 'council.judge');
  }
  requireModel(engine, judge, 'council.judge');
}

function requireModel(engine: Models, asked: string | undefined, param: string): void {
  if (asked === undefined || servedModel(engine, asked) !== undefined) return;
  const names = servedModels(engine).flatMap((model) => model.names);
  const here = [...new Set(names)].map((name) => JSON.stringify(name)).join(', ');
  throw new DomainError(
    'not_found',
    `There is no model ${JSON.stringify(asked.slice(0, 200))} here; this server runs ${here === '' ? 'none' : here}.`,
    { param, reason: 'model_not_found' },
  );
}

function invalidCouncil(message: string, param: string): DomainError {
  return new DomainError('invalid_request', message, { param, reason: 'invalid_council' });
}
