import { expect, test } from 'vitest';
import { controlGroupPlaces } from './control-group-places.js';

const VERSION_1 = `
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;

test('version 1: the top of each hierarchy, then our own groups, then what version 2 has', () => {
  const groups = '9:pids:/\n4:memory:/jobs/a:b\n1:cpu,cpuacct:/jobs\n0::/';
  expect(controlGroupPlaces(VERSION_1, groups)).toEqual([
    {
      version: 1,
      folders: {
        memory: '/sys/fs/cgroup/memory',
        pids: '/sys/fs/cgroup/pids',
        cpu: '/sys/fs/cgroup/cpu,cpuacct',
        cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
      },
    },
    {
      version: 1,
      folders: {
        memory: '/sys/fs/cgroup/memory/jobs/a:b',
        pids: '/sys/fs/cgroup/pids',
        cpu: '/sys/fs/cgroup/cpu,cpuacct/jobs',
        cpuacct: '/sys/fs/cgroup/cpu,cpuacct/jobs',
      },
    },
    {
      version: 2,
      folders: Object.fromEntries(
        ['memory', 'pids', 'cpu', 'cpuacct'].map((name) => [name, '/sys/fs/cgroup/unified']),
      ),
    },
  ]);
});

test('version 2: the top, beside our own group, in our own group', () => {
  const mountinfo = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';
  const groups = '0::/user.slice/user-1000.slice/user@1000.service/gantry.service';
  expect(controlGroupPlaces(mountinfo, groups).map(({ folders }) => folders.memory)).toEqual([
    '/sys/fs/cgroup',
    '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service',
    '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/gantry.service',
  ]);
});

test('a mount that shows a part only is looked at from there, and never left', () => {
  const mountinfo = '30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw';
  const memories = (groups: string): string[] =>
    controlGroupPlaces(mountinfo, groups).map(({ folders }) => folders.memory);
  expect(memories('0::/docker/abc/app')).toEqual(['/sys/fs/cgroup', '/sys/fs/cgroup/app']);
  expect(memories('0::/elsewhere')).toEqual(['/sys/fs/cgroup']);
});

test('none without the controllers, and none without control groups', () => {
  const withoutPids = VERSION_1.split('\n')
    .filter((line) => !line.includes('pids'))
    .join('\n');
  expect(controlGroupPlaces(withoutPids, '4:memory:/').map(({ version }) => version)).toEqual([]);
  expect(controlGroupPlaces('', '')).toEqual([]);
});
