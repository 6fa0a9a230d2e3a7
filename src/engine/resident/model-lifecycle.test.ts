import { afterEach, describe, expect, test } from 'vitest';
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
