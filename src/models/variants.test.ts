import { describe, expect, it } from 'vitest';
import { type HubName, parseModelName } from './model-name.js';
import { allShards, firstShard, modelStem, shardOf } from './shards.js';
import { chooseVariant, isDefaultVariant, quantizationOf, variantsOf } from './variants.js';

function chosen(paths: readonly string[], rest: string): string {
  const name = parseModelName(`hf:o/r${rest}`) as HubName;
  return chooseVariant(variantsOf(paths.map((path) => ({ path, bytes: 1 }))), name).path;
}

describe('shards', () => {
  it('are all meant by any of them', () => {
    const all = ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'];
    for (const one of all) expect(allShards(one)).toEqual(all);
    expect(firstShard('a/m-00002-of-00002.gguf')).toBe('a/m-00001-of-00002.gguf');
    expect(modelStem('a/m-00002-of-00002.gguf')).toBe('a/m');
  });

  it.each([
    'm.gguf',
    'm-00003-of-00002.gguf',
    'm-00000-of-00002.gguf',
    'm-00001-of-99999.gguf',
    'm-1-of-2.gguf',
  ])('%s is a model of one file', (path) => {
    expect(shardOf(path)).toBeUndefined();
    expect(allShards(path)).toEqual([path]);
  });
});

describe('quantizationOf', () => {
  it.each([
    ['Qwen3-8B-Q4_K_M.gguf', 'Q4_K_M'],
    ['qwen3-8b.q8_0.gguf', 'Q8_0'],
    ['Model-UD-Q4_K_XL.gguf', 'UD-Q4_K_XL'],
    ['BF16/Model-00001-of-00002.gguf', 'BF16'],
    ['Q4_K_M/Model-IQ2_XXS-00001-of-00002.gguf', 'IQ2_XXS'],
    ['gpt-oss-20b-MXFP4.gguf', 'MXFP4'],
    ['Q4U-Model.gguf', undefined],
    ['model.gguf', undefined],
  ])('%s: %s', (path, quantization) => expect(quantizationOf(path)).toBe(quantization));
});

describe('chooseVariant', () => {
  const repository = [
    'M-Q4_K_M.gguf',
    'M-UD-Q4_K_M.gguf',
    'M-Q8_0-00001-of-00002.gguf',
    'M-Q8_0-00002-of-00002.gguf',
    'mmproj-F16.gguf',
    'README.md',
  ];

  it('takes the very quantization, not one that has it in its name', () => {
    expect(chosen(repository, ':q4_k_m')).toBe('M-Q4_K_M.gguf');
    expect(chosen(repository, ':UD-Q4_K_M')).toBe('M-UD-Q4_K_M.gguf');
    expect(chosen(repository, ':Q8_0')).toBe('M-Q8_0-00001-of-00002.gguf');
  });

  it('takes any shard for all, and a companion only by its name', () => {
    expect(chosen(repository, '/M-Q8_0-00002-of-00002.gguf')).toBe('M-Q8_0-00001-of-00002.gguf');
    expect(chosen(repository, '/mmproj-F16.gguf')).toBe('mmproj-F16.gguf');
    expect(() => chosen(repository, ':F16')).toThrow(/is not there/);
  });

  it('takes a bare name for the only model, or for Q4_K_M', () => {
    expect(chosen(repository, '')).toBe('M-Q4_K_M.gguf');
    expect(chosen(['only-Q8_0.gguf', 'mmproj-F16.gguf'], '')).toBe('only-Q8_0.gguf');
    const variants = variantsOf(repository.map((path) => ({ path, bytes: 1 })));
    expect(variants.filter((variant) => isDefaultVariant(variants, variant)).map(({ path }) => path)).toEqual(
      ['M-Q4_K_M.gguf'],
    );
  });

  it('never takes another in place of what is not there: it lists what there is', () => {
    expect(() => chosen(repository, ':Q5_K_M')).toThrow(/Q5_K_M is not there[^]*Q4_K_M {2}M-Q4_K_M\.gguf/);
    expect(() => chosen(['a-Q8_0.gguf', 'b-Q5_0.gguf'], '')).toThrow(/could be any of these[^]*a-Q8_0/);
    expect(() => chosen(['a-Q8_0.gguf', 'b-Q8_0.gguf'], ':Q8_0')).toThrow(/could be any/);
    expect(() => chosen(['model.safetensors'], '')).toThrow(/has no GGUF file/);
  });

  it('names a shard that is missing', () => {
    expect(() => chosen(['m-Q8_0-00001-of-00003.gguf', 'm-Q8_0-00003-of-00003.gguf'], '')).toThrow(
      expect.objectContaining({
        code: 'missing_shard',
        message: expect.stringContaining('m-Q8_0-00002-of-00003.gguf'),
      }),
    );
  });
});
