import { expect, test } from 'vitest';
import { DomainError } from '../../errors.js';
import { SANDBOX_DEFAULTS } from '../kernel/sandbox-resources.js';
import { bootFailure } from './boot-failure.js';
import type { SandboxProfile } from './docker-sandbox-options.js';

const PROFILE: SandboxProfile = { ...SANDBOX_DEFAULTS, image: 'mine' };
const NO_DRIVER = new Error(
  '(HTTP code 500) server error - could not select device driver "" with capabilities: [[gpu compute utility]] ',
);

test('a full disk is told as such', () => {
  const error = new Error('(HTTP code 500) server error - mkdir /var/lib/docker/x: no space left on device ');
  const failure = bootFailure(error, PROFILE);
  expect(failure).toMatchObject({ code: 'storage_full' });
  expect(failure.message).toContain('docker system prune');
});

test('graphics processors that are not to be had are told as such, only to who asked for them', () => {
  expect(bootFailure(NO_DRIVER, { ...PROFILE, gpus: 'all' }).message).toContain('unset GANTRY_SANDBOX_GPUS');
  expect(bootFailure(NO_DRIVER, PROFILE).message).not.toContain('GANTRY_SANDBOX_GPUS');
});

test('what the engine is known to lack goes before what it said', () => {
  expect(bootFailure(new Error('x'), PROFILE, 'No engine.')).toMatchObject({
    code: 'unavailable',
    message: 'No engine.',
  });
});

test('anything else names the image and what was said', () => {
  expect(bootFailure(new Error('the sandbox is gone: Traceback'), PROFILE).message).toBe(
    'No sandbox could be started from the image mine: the sandbox is gone: Traceback',
  );
  const known = new DomainError('rate_limited', 'later');
  expect(bootFailure(known, PROFILE)).toBe(known);
});
