import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dockerfileSteps } from '../sandboxes/rootfs/dockerfile-steps.mjs';

it('gives what each RUN says and each COPY copies, in order, with continued lines as they are', () => {
  const text = [
    'ARG BASE=debian',
    'FROM ${BASE}',
    '# a comment',
    "RUN printf '%s\\n' 'a b' \\",
    '      > /c \\',
    '# a comment between',
    ' && true',
    '',
    'COPY kernel/one /opt/one',
    'USER 1:1',
    'RUN last',
  ].join('\n');
  expect(dockerfileSteps(text)).toEqual([
    { kind: 'run', script: "printf '%s\\n' 'a b' \\\n      > /c \\\n && true" },
    { kind: 'copy', from: 'kernel/one', to: '/opt/one' },
    { kind: 'run', script: 'last' },
  ]);
});

it('refuses what it cannot follow', () => {
  expect(() => dockerfileSteps('COPY --from=other /a /b')).toThrow(/cannot follow/);
  expect(() => dockerfileSteps('COPY one two three')).toThrow(/cannot follow/);
});

it('finds the packages and the kernel in the Dockerfile of the sandboxes', () => {
  const text = readFileSync(new URL('../sandboxes/python/Dockerfile', import.meta.url), 'utf8');
  const steps = dockerfileSteps(text);
  expect(steps.some(({ script }) => script?.includes('python3-numpy'))).toBe(true);
  expect(steps).toContainEqual({
    kind: 'copy',
    from: 'kernel/gantry_kernel',
    to: '/opt/gantry/gantry_kernel',
  });
});
