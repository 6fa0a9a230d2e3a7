import { expect, test } from 'vitest';
import { standInKernel } from '../../../test/support/stand-in-kernel.js';
import type { BootedKernel } from './booted-kernel.js';
import { SessionKernels } from './session-kernels.js';

const SPEC = { sessionId: 'sess_a', runId: 'run_1', generation: 1 };

/** Sessions whose kernels the test makes, in the order they are asked for. */
function rig(egress?: ConstructorParameters<typeof SessionKernels>[2]) {
  const makings: PromiseWithResolvers<BootedKernel>[] = [];
  const sessions = new SessionKernels(
    () => {
      const making = Promise.withResolvers<BootedKernel>();
      makings.push(making);
      return making.promise;
    },
    60_000,
    egress,
  );
  return { sessions, makings };
}

test('two who ask at once get the same one, fresh for the first', async () => {
  const { sessions, makings } = rig();
  const both = [sessions.acquire(SPEC), sessions.acquire(SPEC)];
  makings[0]?.resolve(standInKernel('a'));
  const given = await Promise.all(both);
  expect(given.map(({ id, fresh }) => [id, fresh])).toEqual([
    ['a', true],
    ['a', false],
  ]);
  await sessions.close();
});

test('the second makes one of its own when the first gives up', async () => {
  const { sessions, makings } = rig();
  const first = sessions.acquire(SPEC);
  const second = sessions.acquire(SPEC);
  makings[0]?.reject(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  makings[1]?.resolve(standInKernel('b'));
  expect(await second).toMatchObject({ id: 'b', fresh: true });
  await sessions.close();
});

test('who waits for what another makes may go away before it is made', async () => {
  const { sessions, makings } = rig();
  const first = sessions.acquire(SPEC);
  const leaving = new AbortController();
  const second = sessions.acquire(SPEC, leaving.signal);
  leaving.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  makings[0]?.resolve(standInKernel('a'));
  expect((await first).id).toBe('a');
  await sessions.close();
});

test('a lost one is followed by another, and a released one is ended', async () => {
  const { sessions, makings } = rig();
  const first = sessions.acquire(SPEC);
  const lost = standInKernel('a');
  makings[0]?.resolve(lost);
  await first;
  lost.connection.close('it was killed');
  expect(sessions.current(SPEC.sessionId)).toBeUndefined();
  const ended: string[] = [];
  const second = sessions.acquire(SPEC);
  makings[1]?.resolve(standInKernel('b', () => ended.push('b')));
  expect(await second).toMatchObject({ id: 'b', fresh: true });
  await sessions.release(SPEC.sessionId);
  expect(ended).toEqual(['b']);
});

test('one whose network cannot be had is ended, not left', async () => {
  const { sessions, makings } = rig({
    networkFor: () => {
      throw new Error('no network');
    },
  });
  const ended: string[] = [];
  const asked = sessions.acquire(SPEC);
  makings[0]?.resolve(standInKernel('a', () => ended.push('a')));
  await expect(asked).rejects.toThrow('no network');
  expect(ended).toEqual(['a']);
});
