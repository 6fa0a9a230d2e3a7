import { WORKING_DIRECTORY } from '../kernel/working-directory.js';
import type { SandboxResources } from '../kernel/sandbox-resources.js';
import type { ControlGroup } from './control-groups/control-group.js';
import type { SandboxPlace } from './sandbox-place.js';

/** The descriptor on which bubblewrap reads the system call filter. */
export const FILTER_DESCRIPTOR = 3;

const USER_ID = 10001;
const TEMPORARY_BYTES = 64 * 2 ** 20;
const COUNTERS_BYTES = 65_536;
const IN_OWN_MOUNTS = ['--mount', '--', '/bin/sh'];
const KERNEL = ['/usr/bin/python3', '-m', 'gantry_kernel'];
const OPEN_FILES = 256;
/** Program text, shared libraries and reserved addresses, which are no memory. */
const ADDRESSES_BESIDE_MEMORY_BYTES = 2 ** 30;
/** A mount point that every system has; what lies on it is hidden from the launch alone. */
const MOUNT_POINT = '/mnt';

/** As in sandboxes/python/Dockerfile; a test holds the two together. */
export const SANDBOX_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  PYTHONPATH: '/opt/gantry',
  LANG: 'C.UTF-8',
  HOME: WORKING_DIRECTORY,
  MPLBACKEND: 'Agg',
} as const;

/** `bare` loads no numeric libraries: quick to boot, for a look at the walls. */
export type Preload = 'preloaded' | 'bare';

export interface Launch {
  readonly rootFileSystem: string;
  readonly resources: SandboxResources;
  readonly place: SandboxPlace;
  readonly group?: ControlGroup;
  /** The account's number on the machine; needed where it is private. */
  readonly hostUserId: number;
  readonly preload: Preload;
}

/** Every wall of a sandbox that bubblewrap builds. */
function walls({ resources, place, group }: Launch, root: string): string[] {
  const tmpfs = (path: string, bytes: number): string[] => ['--size', String(bytes), '--tmpfs', path];
  const variables = Object.entries(SANDBOX_ENVIRONMENT);
  const counters = group?.counters ?? [];
  return [
    ['--unshare-all', '--unshare-user', '--uid', String(USER_ID), '--gid', String(USER_ID)],
    place.options.has('--disable-userns') ? ['--disable-userns'] : [],
    ['--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL', '--hostname', 'sandbox'],
    ['--clearenv', ...variables.flatMap(([name, value]) => ['--setenv', name, value])],
    ['--ro-bind', root, '/', '--proc', '/proc'],
    // Read-only, or /dev/shm would be a hole in the size caps.
    ['--dev', '/dev', '--remount-ro', '/dev'],
    tmpfs(WORKING_DIRECTORY, resources.workspaceBytes),
    tmpfs('/tmp', TEMPORARY_BYTES),
    tmpfs('/sys', COUNTERS_BYTES),
    // Not every version of Linux counts all of it.
    ...counters.map(({ path, seenAt }) => ['--ro-bind-try', path, seenAt]),
    ['--remount-ro', '/sys'],
    ['--seccomp', String(FILTER_DESCRIPTOR), '--chdir', WORKING_DIRECTORY],
  ].flat();
}

/**
 * Set inside the sandbox's own user namespace, so that the processes counted are the sandbox's alone. Without control
 * groups they are all there is: each process has the whole memory, but none has more.
 */
function resourceLimits({ resources, group }: Launch): string[] {
  const limit = (name: string, value: number): string => `--${name}=${value}:${value}`;
  return [
    '/usr/bin/prlimit',
    limit('core', 0),
    limit('nofile', OPEN_FILES),
    limit('nproc', resources.pids),
    ...(group === undefined
      ? [
          limit('data', resources.memoryBytes),
          limit('as', resources.memoryBytes + ADDRESSES_BESIDE_MEMORY_BYTES),
        ]
      : []),
    '--',
  ];
}

/** Steps into the control groups before anything is started in them; the arguments before `--` are their entrances. */
const ENTER = `
while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done
shift
echo 500 > /proc/self/oom_score_adj
`;

/**
 * Root puts the root file system where any account may go, in a mount namespace that nobody else has and that ends with
 * the sandbox, and then steps down for good.
 */
const STEP_DOWN = `
mount --bind "$1" ${MOUNT_POINT} || exit 1
account=$2
shift 2
exec setpriv --reuid "$account" --regid "$account" --clear-groups --inh-caps=-all --bounding-set=-all -- "$@"
`;

const STAY = 'exec "$@"';

/** The program to start and its arguments. What is started becomes bubblewrap: there is one process, not a chain. */
export function launchCommand(launch: Launch): { readonly program: string; readonly arguments: string[] } {
  const { rootFileSystem, place, group, hostUserId, preload } = launch;
  const shell = (script: string, ...rest: string[]): string[] => [
    '-c',
    ENTER + script,
    'gantry-sandbox',
    ...(group?.entrances ?? []),
    '--',
    ...rest,
  ];
  const sandbox = (root: string): string[] => [
    place.program,
    ...walls(launch, root),
    '--',
    ...resourceLimits(launch),
    ...KERNEL,
    ...(preload === 'bare' ? ['--bare'] : []),
  ];
  switch (place.account) {
    case 'private':
      return {
        program: 'unshare',
        arguments: [
          ...IN_OWN_MOUNTS,
          ...shell(STEP_DOWN, rootFileSystem, String(hostUserId), ...sandbox(MOUNT_POINT)),
        ],
      };
    case 'own':
      return { program: '/bin/sh', arguments: shell(STAY, ...sandbox(rootFileSystem)) };
    default:
      return place.account satisfies never;
  }
}
