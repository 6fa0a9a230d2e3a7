import { expect, test } from 'vitest';
import { standInKernel } from '../../../test/support/stand-in-kernel.js';
import type { SandboxSpec } from '../sandbox.js';
import type { BootedKernel } from './booted-kernel.js';
import { type KernelLeft, SessionKernels } from './session-kernels.js';

const SPEC = { sessionId: 'sess_a', runId: 'run_1', generation: 1 };

/** Sessions whose kernels the test makes, in the order they are asked for; `left` is what an earlier process left. */
function rig(egress?: ConstructorParameters<typeof SessionKernels>[2], left?: KernelLeft[]) {
  const makings: PromiseWithResolvers<BootedKernel>[] = [];
  const sessions = new SessionKernels(
    {
      make: () => {
        const making = Promise.withResolvers<BootedKernel>();
        makings.push(making);
        return making.promise;
      },
      ...(left === undefined ? {} : { takeOver: async () => left.pop() }),
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

test('what an earlier process left is taken over as it is, and none is made for it', async () => {
  const { sessions, makings } = rig(undefined, [{ kernel: standInKernel('left'), egress: [] }]);
  const both = await Promise.all([sessions.recover(SPEC), sessions.acquire(SPEC)]);
  expect(both.map((sandbox) => [sandbox?.id, sandbox?.fresh])).toEqual([
    ['left', false],
    ['left', false],
  ]);
  expect(makings).toEqual([]);
  await sessions.close();
});

test('where nothing was left, whoever only looks gets nothing, and whoever needs one gets one that is made', async () => {
  const { sessions, makings } = rig(undefined, []);
  expect(await sessions.recover(SPEC)).toBeUndefined();
  expect(sessions.current(SPEC.sessionId)).toBeUndefined();
  const made = sessions.acquire(SPEC);
  await Promise.resolve();
  while (makings.length === 0) await Promise.resolve();
  makings[0]?.resolve(standInKernel('made'));
  expect(await made).toMatchObject({ id: 'made', fresh: true });
  await sessions.close();
});

test('the hosts of one that was left are those it was made for', async () => {
  const asked: unknown[] = [];
  const egress = { networkFor: (spec: SandboxSpec) => void asked.push(spec.egress) };
  const { sessions } = rig(egress, [{ kernel: standInKernel('left'), egress: ['pypi.org'] }]);
  await sessions.recover(SPEC);
  expect(asked).toEqual([['pypi.org']]);
  await sessions.close();
});

test('at the end one that may outlive its process is left, and another ended', async () => {
  const ended: string[] = [];
  const kernel = standInKernel('left', () => ended.push('lost'));
  const outlive = { keepFor: async () => undefined, leave: async () => void ended.push('was left') };
  const { sessions } = rig(undefined, [{ kernel: { ...kernel, outlive }, egress: [] }]);
  await sessions.recover(SPEC);
  await sessions.close();
  expect(ended).toEqual(['was left']);
});
