import { expect, test } from 'vitest';
import { failureHint } from './failure-hint.js';

test.each([
  ["error loading model architecture: unknown model architecture: 'x'", /architecture/],
  ['tensor data is not within the file bounds, model is corrupted or incomplete', /damaged/],
  ['ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 12', /memory/],
  ['libcudart.so.13: cannot open shared object file', /GPU/],
])('knows %s', (line, hint) => {
  expect(failureHint('Failed to load model', ['loading', line])).toMatch(hint);
});

test('says nothing about what it does not know', () => {
  expect(failureHint('odd', ['all is well'])).toBeUndefined();
});
