import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddingInputs } from '../../src/engine/embedding.js';
import type { Engine } from '../../src/engine/engine.js';

const never = new AbortController().signal;

/** The dot product; of vectors of length 1 it is how alike they are. */
export function likeness(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

/** What every engine that embeds owes its callers; run it once for each adapter. */
export function describeVectorConformance(name: string, makeEngine: () => Promise<Engine>): void {
  describe(`${name} keeps the contract of embeddings`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await makeEngine();
      await engine.capabilities();
    });
    afterAll(() => engine.close());

    const embed = (inputs: EmbeddingInputs, signal = never) =>
      engine.embed({ owner: 'alice', inputs }, signal);

    test('one vector of length 1 for each input, in order, and the tokens of all', async () => {
      const texts = Array.from({ length: 70 }, (_, index) => `Text number ${index % 7}`);
      const { vectors, promptTokens } = await embed(texts);
      expect(vectors).toHaveLength(70);
      expect(promptTokens).toBeGreaterThanOrEqual(70);
      for (const [index, vector] of vectors.entries()) {
        expect(likeness(vector, vector)).toBeCloseTo(1, 5);
        expect(likeness(vector, vectors[index % 7] as Float32Array)).toBeCloseTo(1, 4);
      }
      expect(likeness(vectors[0] as Float32Array, vectors[1] as Float32Array)).toBeLessThan(0.999_99);
    });

    test('a text alone has the vector that it has among others', async () => {
      const [, among] = (await embed(['first of two', 'second of two'])).vectors;
      const [alone] = (await embed(['second of two'])).vectors;
      expect(likeness(alone as Float32Array, among as Float32Array)).toBeCloseTo(1, 4);
    });

    test('ids of tokens are taken too', async () => {
      const { vectors, promptTokens } = await embed([[70, 71, 72], [73]]);
      expect(vectors).toHaveLength(2);
      expect(promptTokens).toBeGreaterThanOrEqual(2);
    });

    test('another model than the one in use is refused', async () => {
      const request = { owner: 'alice', inputs: ['a'], model: 'no-such-model' };
      await expect(engine.embed(request, never)).rejects.toMatchObject({ code: 'model_not_found' });
      const ranking = { owner: 'alice', query: 'a', documents: ['b'], model: 'no-such-model' };
      await expect(engine.rank(ranking, never)).rejects.toMatchObject({ code: 'model_not_found' });
    });

    test('an abort before the start gives its reason', async () => {
      const reason = new Error('not wanted any more');
      await expect(embed(['a'], AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test('an abort in the middle gives its reason, and leaves the engine usable', async () => {
      const reason = new Error('not wanted any more');
      const abort = new AbortController();
      const large = embed(
        Array.from({ length: 500 }, (_, index) => `text ${index}`),
        abort.signal,
      );
      setImmediate(() => abort.abort(reason));
      await expect(large).rejects.toBe(reason);
      expect((await embed(['after'])).vectors).toHaveLength(1);
    });
  });
}
