import { describe, expect, test } from 'vitest';
import { textOf } from '../../../test/integration/engine-conformance.js';
import { EngineError } from '../engine-error.js';
import { says } from '../scripted/scripted-turn.js';
import { forever, never, request, scene } from './pool-scene.fixture.js';

describe('the breaker of a member', () => {
  test('opens after five failures, and the member is not asked', async () => {
    const { ask, openFirst, first, second, breakers, told } = scene();
    await openFirst();
    expect(breakers()).toEqual(['open', 'closed']);
    expect(told).toContainEqual(expect.objectContaining({ type: 'breaker', from: 'closed', to: 'open' }));
    second.enqueue(says('Second.'));
    expect(textOf(await ask())).toBe('Second.');
    expect(first.requests).toHaveLength(5);
  });

  test('lets one probe through after 30 s; the others go elsewhere until it answers', async () => {
    const { engine, ask, openFirst, first, second, clock, breakers } = scene();
    await openFirst();
    clock.now += 30_000;
    const gate = Promise.withResolvers<void>();
    first.enqueue({
      steps: [
        { type: 'queued', position: 1 },
        { type: 'wait', until: gate.promise },
        ...says('First.').steps,
      ],
    });
    second.enqueue(says('Second.'));
    const probe = engine.generate(request, never)[Symbol.asyncIterator]();
    expect((await probe.next()).value).toMatchObject({ type: 'queued' });
    expect(breakers()).toEqual(['half_open', 'closed']);
    expect(textOf(await ask())).toBe('Second.');
    gate.resolve();
    expect((await probe.next()).value).toEqual({ type: 'text_delta', text: 'First.' });
    expect(breakers()).toEqual(['closed', 'closed']);
  });

  test.each(['leaves', 'aborts'])('lets another probe through when the reader %s', async (how) => {
    const { engine, ask, openFirst, first, clock, breakers } = scene();
    await openFirst();
    clock.now += 30_000;
    first.enqueue({ steps: [{ type: 'queued', position: 1 }, forever] }, says('First.'));
    const abort = new AbortController();
    for await (const { type } of engine.generate(request, abort.signal)) {
      if (type === 'queued' && how === 'leaves') break;
      abort.abort();
    }
    expect(breakers()).toEqual(['open', 'closed']);
    expect(textOf(await ask())).toBe('First.');
    expect(breakers()).toEqual(['closed', 'closed']);
  });

  test('counts silence, which the reader tells as the reason of its abort', async () => {
    const { ask, first, breakers } = scene();
    for (let i = 0; i < 5; i++) {
      first.enqueue({ steps: [{ type: 'text', pieces: ['One'] }, forever] });
      const stall = new AbortController();
      const events = ask(stall.signal);
      stall.abort(new EngineError('stream_interrupted', 'It says nothing.'));
      expect((await events).at(-1)).toMatchObject({ type: 'stop', reason: 'cancelled' });
    }
    expect(breakers()).toEqual(['open', 'closed']);
  });
});
