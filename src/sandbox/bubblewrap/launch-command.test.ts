import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../config/project-root.js';
import { SANDBOX_DEFAULTS } from '../kernel/sandbox-resources.js';
import { launchCommand, SANDBOX_ENVIRONMENT, type Launch } from './launch-command.js';

const launch: Launch = {
  rootFileSystem: '/data/rootfs/abc',
  resources: SANDBOX_DEFAULTS,
  place: {
    program: 'bwrap',
    options: new Set(['--disable-userns']),
    account: 'own',
    systemCallFilter: new Uint8Array(),
  },
  hostUserId: 1_900_000_001,
  preload: 'preloaded',
};

const group = {
  folders: ['/sys/fs/cgroup/g'],
  entrances: ['/sys/fs/cgroup/g/cgroup.procs'],
  counters: [{ path: '/sys/fs/cgroup/g/memory.events', seenAt: '/sys/fs/cgroup/memory.events' }],
};

const textOf = (changed: Partial<Launch> = {}): string => {
  const { program, arguments: given } = launchCommand({ ...launch, ...changed });
  return [program, ...given].join(' ');
};

test('every wall is asked for', () => {
  const text = textOf();
  for (const wall of [
    '--unshare-all --unshare-user --uid 10001 --gid 10001 --disable-userns',
    '--die-with-parent --new-session --as-pid-1 --cap-drop ALL',
    '--clearenv',
    '--ro-bind /data/rootfs/abc /',
    '--dev /dev --remount-ro /dev',
    '--size 134217728 --tmpfs /workspace',
    '--size 67108864 --tmpfs /tmp',
    '--remount-ro /sys',
    '--seccomp 3',
  ]) {
    expect(text).toContain(wall);
  }
  expect(text).not.toContain('--share-net');
  expect(text).not.toContain('--bind ');
});

test('what an older bubblewrap does not know is left out', () => {
  expect(textOf({ place: { ...launch.place, options: new Set() } })).not.toContain('--disable-userns');
});

test('root never runs it as itself: it steps down to the account given', () => {
  const { program, arguments: given } = launchCommand({
    ...launch,
    place: { ...launch.place, account: 'private' },
  });
  expect([program, ...given.slice(0, 3)]).toEqual(['unshare', '--mount', '--', '/bin/sh']);
  expect(given[4]).toMatch(/exec setpriv --reuid "\$account" --regid "\$account" --clear-groups/);
  expect(given.slice(5, 10)).toEqual(['gantry-sandbox', '--', '/data/rootfs/abc', '1900000001', 'bwrap']);
  expect(given.join(' ')).toContain('--ro-bind /mnt /');
});

test('memory is each process’s own without control groups, and theirs together with them', () => {
  expect(textOf()).toContain(
    '--nproc=64:64 --data=536870912:536870912 --as=1610612736:1610612736 -- /usr/bin/python3',
  );
  const grouped = textOf({ group });
  expect(grouped).not.toContain('--data=');
  expect(grouped).toContain('gantry-sandbox /sys/fs/cgroup/g/cgroup.procs -- bwrap');
  expect(grouped).toContain('--ro-bind-try /sys/fs/cgroup/g/memory.events /sys/fs/cgroup/memory.events');
});

test('the environment is the image’s', async () => {
  const dockerfile = await readFile(join(PROJECT_ROOT, 'sandboxes/python/Dockerfile'), 'utf8');
  const [, line = ''] = /^ENV (.*)$/m.exec(dockerfile) ?? [];
  const { PATH: _path, ...rest } = SANDBOX_ENVIRONMENT;
  expect(Object.fromEntries(line.split(' ').map((pair) => pair.split('=')))).toEqual(rest);
});
