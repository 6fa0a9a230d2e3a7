import { expect, test } from 'vitest';
import { engineElsewhere } from '../../engine/engine-elsewhere.js';
import { EngineError } from '../../engine/engine-error.js';
import type { Engine } from '../../engine/engine.js';
import { createScriptedEngine } from '../../engine/scripted/scripted-engine.js';
import { VectorService } from './vector.service.js';

const never = new AbortController().signal;
const asked = { owner: 'alice', inputs: ['Hello'] };

/** Fails so often before it answers. */
function failing(
  times: number,
  error: EngineError,
): { readonly engine: Engine; readonly asked: () => number } {
  const scripted = createScriptedEngine();
  let calls = 0;
  const engine: Engine = {
    generate: (...request) => scripted.generate(...request),
    embed: (...request) => {
      calls += 1;
      return calls <= times ? Promise.reject(error) : scripted.embed(...request);
    },
    rank: (...request) => scripted.rank(...request),
    count: (...request) => scripted.count(...request),
    capabilities: () => scripted.capabilities(),
    status: () => scripted.status(),
    close: () => scripted.close(),
  };
  return { engine, asked: () => calls };
}

const crash = new EngineError('stream_interrupted', 'The host is gone.', { interruption: 'engine_crash' });

test('asks again when the host died in the middle', async () => {
  const { engine, asked: calls } = failing(2, crash);
  const { answer, model } = await new VectorService(engine).embed(asked, never);
  expect(answer.vectors).toHaveLength(1);
  expect(model).toBe('scripted');
  expect(calls()).toBe(3);
});

test('gives up after three tries, with the failure', async () => {
  const { engine, asked: calls } = failing(9, crash);
  await expect(new VectorService(engine).embed(asked, never)).rejects.toBe(crash);
  expect(calls()).toBe(3);
});

test('does not ask again after any other failure', async () => {
  const { engine, asked: calls } = failing(9, new EngineError('invalid_request', 'No.'));
  await expect(new VectorService(engine).embed(asked, never)).rejects.toMatchObject({ message: 'No.' });
  expect(calls()).toBe(1);
});

test('a process without a model refuses', async () => {
  const service = new VectorService(engineElsewhere('demo', []));
  await expect(service.embed(asked, never)).rejects.toMatchObject({
    code: 'conflict',
    reason: 'model_elsewhere',
    message: expect.stringContaining('GANTRY_WORKER=off') as string,
  });
});

test('takes 64 requests at a time, and more when one of them is done', async () => {
  const held = Promise.withResolvers<never>();
  const { engine } = failing(0, crash);
  const service = new VectorService({ ...engine, embed: () => held.promise });
  const first = Array.from({ length: 64 }, () => service.embed(asked, never));
  await expect(service.embed(asked, never)).rejects.toMatchObject({ code: 'rate_limited' });
  held.reject(new EngineError('cancelled', 'Over.'));
  await Promise.allSettled(first);
  await expect(service.rank({ owner: 'a', query: 'a', documents: ['a'] }, never)).resolves.toBeDefined();
});

test('another model is refused before anything is asked', async () => {
  const { engine, asked: calls } = failing(0, crash);
  const request = { ...asked, model: 'gpt-4' };
  await expect(new VectorService(engine).embed(request, never)).rejects.toMatchObject({
    reason: 'model_not_found',
    param: 'model',
  });
  expect(calls()).toBe(0);
});
