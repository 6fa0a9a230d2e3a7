import { afterEach, describe, expect, test } from 'vitest';
import type { EngineStatus } from '../engine.js';
import { lifecycleScene } from './lifecycle-scene.fixture.js';

let scene: Awaited<ReturnType<typeof lifecycleScene>>;
afterEach(() => scene.remove());

describe('what is not in memory takes none of the budget', () => {
  test('a default that is unloaded can be loaded again and again', async () => {
    scene = await lifecycleScene(1.5);
    for (let times = 0; times < 3; times++) {
      expect(await scene.unload('first')).toBe('gone');
      expect(await scene.load('first')).toBe('loaded');
    }
  });

  test('after a load that failed there is room for the same model, and for another', async () => {
    scene = await lifecycleScene(2.5);
    scene.loads.set('a', Promise.resolve({ state: 'failed', model: 'a', message: 'No such architecture.' }));
    for (let times = 0; times < 2; times++) {
      await expect(scene.load('a')).rejects.toMatchObject({ reason: 'model_load_failed' });
    }
    expect(await scene.load('b')).toBe('loaded');
    await scene.unload('b');
    scene.loads.delete('a');
    expect(await scene.load('a')).toBe('loaded');
  });
});

test('what runs is cancelled before its model goes, so that none finds it gone', async () => {
  scene = await lifecycleScene(2.5);
  await scene.load('a');
  scene.runs.set('a', [{ runId: 'run_a', sessionId: 'sess_a', owner: 'bob' }]);
  await expect(scene.unload('a')).rejects.toMatchObject({ reason: 'model_busy' });
  expect(scene.cancelled).toEqual([]);
  expect(await scene.unload('a', 'cancel')).toBe('gone');
  expect(scene.cancelled).toEqual([['run_a', true]]);
});

describe('room that is made by unloading several', () => {
  const USE = { sessionId: 'sess_c', messages: [], tools: [], sampling: {}, model: 'c' };

  /** Two idle models, and the load of one that takes the room of both, as far as the close of the first. */
  async function loadWhileClosing() {
    scene = await lifecycleScene(3.5);
    await scene.load('b');
    await scene.load('c');
    const closing = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    scene.closes.set('b', () => {
      closing.resolve();
      return closed.promise;
    });
    const loading = scene.load('large');
    await closing.promise;
    return { loading, goOn: closed.resolve };
  }

  test('one that is unloaded by somebody else meanwhile makes room too', async () => {
    const { loading, goOn } = await loadWhileClosing();
    expect(await scene.unload('c')).toBe('gone');
    goOn();
    expect(await loading).toBe('loaded');
  });

  test('one that gets to work meanwhile works on', async () => {
    const { loading, goOn } = await loadWhileClosing();
    const abort = new AbortController();
    const events = scene.engine.generate(USE, abort.signal);
    expect((await events.next()).value).toMatchObject({ type: 'text_delta' });
    goOn();
    await expect(loading).rejects.toMatchObject({ reason: 'insufficient_memory' });
    expect(scene.state('c')).toBe('ready');
    abort.abort();
    let last: unknown;
    for await (const event of events) last = event;
    expect(last).toMatchObject({ type: 'stop', reason: 'cancelled' });
  });

  test('one that a run waits for meanwhile stays', async () => {
    const { loading, goOn } = await loadWhileClosing();
    scene.runs.set('c', [{ runId: 'run_c', sessionId: 'sess_c', owner: 'bob' }]);
    goOn();
    await expect(loading).rejects.toMatchObject({ reason: 'insufficient_memory' });
    expect(scene.state('c')).toBe('ready');
  });
});

describe('a load behind one that takes long', () => {
  /** `b` waits until `a` is there, and what is asked for next is decided. */
  async function loadBehindSlowOne() {
    scene = await lifecycleScene(3.5);
    const slow = Promise.withResolvers<EngineStatus>();
    scene.loads.set('a', slow.promise);
    const first = scene.load('a');
    const second = scene.load('b');
    expect(await scene.load('first')).toBe('already_loaded');
    return { first, second, fail: () => slow.resolve({ state: 'failed', model: 'a', message: 'Too slow.' }) };
  }

  test('ends at once when it is cancelled', async () => {
    const { first, second, fail } = await loadBehindSlowOne();
    expect(scene.lifecycle.cancelLoad('alice', 'b')).toBe(true);
    await expect(second).rejects.toMatchObject({ reason: 'load_cancelled' });
    expect([scene.state('a'), scene.state('b')]).toEqual(['loading', undefined]);
    fail();
    await expect(first).rejects.toMatchObject({ reason: 'model_load_failed' });
  });

  test('is unloaded at once, and the slow one can be unloaded then', async () => {
    const { first, second } = await loadBehindSlowOne();
    const [behind, slow] = [scene.unload('b'), scene.unload('a')];
    await expect(second).rejects.toMatchObject({ reason: 'load_cancelled' });
    expect(await behind).toBe('gone');
    await expect(first).rejects.toMatchObject({ reason: 'load_cancelled' });
    expect(await slow).toBe('gone');
    expect(scene.state('first')).toBe('ready');
  });
});
