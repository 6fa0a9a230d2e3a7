import { posix } from 'node:path';

/** The last only counts; in version 2 that is part of `cpu`. */
const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuacct'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** Folders in which groups may be made. In version 2 all controllers share one. */
export interface ControlGroupPlace {
  readonly version: 1 | 2;
  readonly folders: Readonly<Record<Controller, string>>;
}

interface Mount {
  readonly kind: 'cgroup' | 'cgroup2';
  readonly root: string;
  readonly path: string;
  readonly controllers: readonly string[];
}

/** `36 35 98:0 /root /path options [optional fields] - type source super-options`; spaces in paths are `\040`. */
function mountsIn(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', path = ''] = before.split(' ');
    const [kind, , controllers = ''] = after.split(' ');
    if (kind !== 'cgroup' && kind !== 'cgroup2') return [];
    return [{ kind, root, path: path.replaceAll('\\040', ' '), controllers: controllers.split(',') }];
  });
}

/** The path of our own group for a controller; `''` asks for version 2's. */
function ownGroup(groups: string, controller: string): string | undefined {
  for (const line of groups.split('\n')) {
    const [, controllers = '', ...path] = line.split(':');
    if (path.length > 0 && controllers.split(',').includes(controller)) return path.join(':');
  }
  return undefined;
}

function folderOf(mount: Mount, group: string): string | undefined {
  const below = posix.relative(mount.root, group);
  return below.startsWith('..') ? undefined : posix.join(mount.path, below);
}

function placesOfVersion1(mounts: readonly Mount[], groups: string): ControlGroupPlace[] {
  const found = CONTROLLERS.map((controller) => ({
    controller,
    mount: mounts.find(({ kind, controllers }) => kind === 'cgroup' && controllers.includes(controller)),
  }));
  const place = (
    folder: (mount: Mount, controller: Controller) => string | undefined,
  ): ControlGroupPlace[] => {
    const folders = found.map(({ controller, mount }) => [
      controller,
      mount === undefined ? undefined : folder(mount, controller),
    ]);
    if (folders.some(([, path]) => path === undefined)) return [];
    return [{ version: 1, folders: Object.fromEntries(folders) as Record<Controller, string> }];
  };
  return [
    ...place((mount) => mount.path),
    ...place((mount, controller) => {
      const own = ownGroup(groups, controller);
      return own === undefined ? undefined : folderOf(mount, own);
    }),
  ];
}

function placesOfVersion2(mounts: readonly Mount[], groups: string): ControlGroupPlace[] {
  const mount = mounts.find(({ kind }) => kind === 'cgroup2');
  const own = ownGroup(groups, '');
  if (mount === undefined || own === undefined) return [];
  const folder = folderOf(mount, own);
  // Beside our own group first: one that has processes cannot hand controllers on to groups in it.
  const folders = folder === undefined ? [mount.path] : [mount.path, posix.dirname(folder), folder];
  const inside = [...new Set(folders)].filter((path) => !posix.relative(mount.path, path).startsWith('..'));
  return inside.map((path) => ({
    version: 2,
    folders: { memory: path, pids: path, cpu: path, cpuacct: path },
  }));
}

/**
 * Where groups might be made, best first: the top, where an account that may do so keeps sandboxes out of its own
 * server's budget, then around the server's own group, which may have been handed over to it.
 * @param mountinfo /proc/self/mountinfo
 * @param groups /proc/self/cgroup
 */
export function controlGroupPlaces(mountinfo: string, groups: string): readonly ControlGroupPlace[] {
  const mounts = mountsIn(mountinfo);
  return [...placesOfVersion1(mounts, groups), ...placesOfVersion2(mounts, groups)];
}
