import { expect, test } from 'vitest';
import { collect, textOf } from '../../../test/integration/engine-conformance.js';
import { engineFor } from '../engine-for.js';
import { modelsOf } from '../models-of.js';
import { says } from '../scripted/scripted-turn.js';
import { failing, never, request, scene } from './pool-scene.fixture.js';

test('a member asked by its name answers alone: nobody takes its place', async () => {
  const { engine, first, second } = scene();
  first.enqueue(failing('overloaded'));
  const only = engineFor(engine, 'first');
  const events = await collect(only.generate({ ...request, model: 'first' }, never));
  expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'overloaded' } });
  expect(second.requests).toEqual([]);

  second.enqueue(says('Second.'));
  const other = engineFor(engine, 'second');
  expect(textOf(await collect(other.generate({ ...request, model: 'second' }, never)))).toBe('Second.');
});

test('a member whose breaker is open is not asked, also by its name', async () => {
  const { engine, first, openFirst } = scene();
  await openFirst();
  const asked = first.requests.length;
  const events = await collect(engineFor(engine, 'first').generate(request, never));
  expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'all_models_unavailable' } });
  expect(first.requests).toHaveLength(asked);
});

test('a member counts for a request that calls it by the name it has here', async () => {
  const { engine, second } = scene();
  const { messages, tools } = request;
  const counted = await engineFor(engine, 'second').count({ model: 'second', messages, tools });
  expect(counted).toBe(await second.count({ messages, tools }));
});

test("the preferred model's name is the whole pool, and a name that nobody has stays with it", () => {
  const { engine } = scene();
  expect(engineFor(engine, 'scripted')).toBe(engine);
  expect(engineFor(engine, undefined)).toBe(engine);
  expect(engineFor(engine, 'nobody')).toBe(engine);
  expect(engine.member('nobody')).toBeUndefined();
  expect(modelsOf(engine.status())).toEqual(['scripted', 'first', 'second']);
});
