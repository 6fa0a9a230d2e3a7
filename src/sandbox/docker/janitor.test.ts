import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { ownerLabels, removeContainersOf, sweepContainers } from './janitor.js';
import type { ProcessPlace } from './process-place.js';

const SELF: ProcessPlace = { id: 'work_self', place: 'here', pid: 100 };

interface Container {
  readonly id: string;
  state: string;
  readonly labels: Record<string, string>;
}

const madeBy = (id: string, maker: Partial<ProcessPlace>, state = 'running'): Container => ({
  id,
  state,
  labels: ownerLabels('instance', { id: 'work_other', place: 'here', pid: 1, ...maker }),
});

/** An engine with those containers; a sweep of it beside `SELF`, to whom only process 7 is alive, and of process 100 `SELF` and its sibling. */
function engineWith(containers: Container[]) {
  const removed: string[] = [];
  const asked: unknown[] = [];
  const docker = {
    listContainers: (options: unknown) => {
      asked.push(options);
      const left = containers.filter(({ id }) => !removed.includes(id));
      return Promise.resolve(left.map(({ id, state, labels }) => ({ Id: id, State: state, Labels: labels })));
    },
    getContainer: (id: string) => ({
      remove: () => {
        removed.push(id);
        return Promise.resolve();
      },
    }),
  } as unknown as Docker;
  const sweep = (settle: () => void = () => undefined, kept: readonly string[] = []) =>
    sweepContainers({
      kept: new Set(kept),
      docker,
      instanceId: 'instance',
      place: SELF.place,
      isAlive: ({ id, pid }) => pid === 7 || [SELF.id, 'work_sibling'].includes(id),
      settle: () => Promise.resolve(settle()),
    });
  return { docker, removed, asked, sweep };
}

test('a container whose process is gone is removed, whatever it does', async () => {
  const { sweep, removed, asked } = engineWith([
    madeBy('running', { pid: 8 }),
    madeBy('paused', { pid: 8 }, 'paused'),
    madeBy('created', { pid: 8 }, 'created'),
    madeBy('earlier life of this very number', { pid: 100 }),
  ]);
  expect(await sweep()).toBe(4);
  expect(removed).toHaveLength(4);
  expect(asked[0]).toEqual({ all: true, filters: { label: ['gantry=1', 'gantry.owner=instance'] } });
});

test("a living sibling's containers are left alone, and one's own", async () => {
  const { sweep, removed } = engineWith([
    madeBy('running', { pid: 7 }),
    madeBy('standing', { pid: 7 }, 'created'),
    madeBy('own', SELF, 'created'),
    {
      ...madeBy('of this very process', {}),
      labels: ownerLabels('instance', { ...SELF, id: 'work_sibling' }),
    },
  ]);
  expect(await sweep()).toBe(0);
  expect(removed).toEqual([]);
});

test('where the process cannot be looked for, only what goes on standing still is removed', async () => {
  const starting = madeBy('starting', { place: 'elsewhere' }, 'created');
  const { sweep, removed } = engineWith([
    madeBy('running', { place: 'elsewhere', pid: 8 }),
    madeBy('left', { place: 'elsewhere' }, 'exited'),
    starting,
    { id: 'without labels of a process', state: 'dead', labels: {} },
  ]);
  expect(await sweep(() => (starting.state = 'running'))).toBe(2);
  expect(removed).toEqual(['left', 'without labels of a process']);
});

test('one that a next process may take over is left alone, though its maker is gone', async () => {
  const { sweep, removed } = engineWith([
    madeBy('kept', { pid: 8 }),
    madeBy('orphan', { pid: 8 }),
    madeBy('kept elsewhere', { place: 'elsewhere' }, 'created'),
  ]);
  expect(await sweep(() => undefined, ['kept', 'kept elsewhere'])).toBe(1);
  expect(removed).toEqual(['orphan']);
});

test('the end of a process takes what it made', async () => {
  const { docker, removed, asked } = engineWith([
    madeBy('own', SELF),
    madeBy('left to the next process', SELF),
  ]);
  await removeContainersOf(docker, SELF, new Set(['left to the next process']));
  expect(removed).toEqual(['own']);
  expect(asked).toEqual([{ all: true, filters: { label: ['gantry.process=work_self'] } }]);
});
