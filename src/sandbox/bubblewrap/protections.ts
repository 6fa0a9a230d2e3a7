import {
  NO_NETWORK_NOTE,
  type SandboxOccupancy,
  type SandboxProfileState,
  type SandboxProtections,
  USUAL_PACKAGES,
} from '../sandbox.js';
import {
  type BubblewrapSandboxOptions,
  profilesOf,
  type BubblewrapProfile,
} from './bubblewrap-sandbox-options.js';
import type { Findings } from './probe-program.js';
import type { SandboxPlace } from './sandbox-place.js';

const MEBIBYTE = 2 ** 20;
/** The kernel inside, its interpreter and the probe's own. */
const MOST_PROCESSES_VISIBLE = 4;
/** A page more or less is how the kernel counts. */
const PAGE_BYTES = 65_536;

function unavailable(reason: string): SandboxProtections {
  return { provider: 'bubblewrap', available: false, reason, network: 'not_applicable', notes: [] };
}

function hasCapabilities({ capabilities }: Findings): boolean {
  return capabilities.some((set) => /[^0]/.test(set));
}

function hasNetwork({ interfaces }: Findings): boolean {
  return interfaces.some((name) => name !== 'lo');
}

/** Each wall that must stand and does not, in a few words. */
export function gapsIn(findings: Findings, options: BubblewrapSandboxOptions): readonly string[] {
  const gaps: readonly (readonly [boolean, string])[] = [
    [findings.userId === 0, 'code runs as root'],
    [hasCapabilities(findings), 'capabilities are left'],
    [!findings.noNewPrivileges, 'programs can gain privileges'],
    [!findings.filtered, 'system calls are not filtered'],
    [hasNetwork(findings), 'there is a network'],
    [findings.writable.length > 0, `${findings.writable.join(', ')} can be written to`],
    [findings.userNamespaces, 'user namespaces can be made'],
    [findings.processesVisible > MOST_PROCESSES_VISIBLE, 'processes of others are visible'],
    [
      findings.workspaceBytes > options.workspaceBytes + PAGE_BYTES,
      'the size of the working directory is not limited',
    ],
  ];
  return gaps.flatMap(([isOpen, name]) => (isOpen ? [name] : []));
}

/** What is known about the machine; absent parts until a probe has told. */
export interface Knowledge {
  /** Why nothing can be had. */
  readonly problem?: string;
  readonly findings?: Findings;
  readonly place?: SandboxPlace;
}

/** Pure. What holds, from what a probe found inside and what control groups enforce from outside. */
export function protectionsOf(
  knowledge: Knowledge,
  options: BubblewrapSandboxOptions,
  occupancy: SandboxOccupancy,
): SandboxProtections {
  const { problem, findings, place } = knowledge;
  const enforced = enforcedBy(knowledge, options);
  const shared = {
    profiles: Object.fromEntries(
      [...profilesOf(options)].map(([name, profile]) => {
        const limits = enforced && limitsOf(profile, enforced);
        return [name, stateOf(profile, problem, limits)];
      }),
    ),
    occupancy,
  };
  if (problem !== undefined || findings === undefined || place === undefined || enforced === undefined) {
    return { ...unavailable(problem ?? 'bubblewrap has not been tried yet.'), ...shared };
  }
  const limits = limitsOf(options, enforced);
  return {
    provider: 'bubblewrap',
    available: true,
    network: 'none',
    workspaceBytes: options.workspaceBytes,
    ...limits,
    notes: notesOn(options, limits),
    engine: {
      cgroup: place.controlGroups === undefined ? 'unknown' : String(place.controlGroups.version),
      runtime: 'bubblewrap',
      rootless: place.account === 'own',
      userNamespaces: true,
    },
    walls: {
      unprivilegedUser: findings.userId !== 0,
      noCapabilities: !hasCapabilities(findings),
      noNewPrivileges: findings.noNewPrivileges,
      readOnlyRoot: !findings.writable.includes('/'),
      noNetwork: !hasNetwork(findings),
      systemCallFilters: findings.systemCallFilters,
      noSwap: !findings.machineHasSwap,
      ...limits,
    },
    ...shared,
  };
}

/** Which limits hold for whole sandboxes. */
interface Enforced {
  readonly memory: boolean;
  readonly processes: boolean;
}

interface Limits {
  readonly memoryBytes?: number;
  readonly processes?: number;
}

/** Undefined until a probe has told. The probe tried the default profile's limit of processes. */
function enforcedBy({ findings, place }: Knowledge, options: BubblewrapSandboxOptions): Enforced | undefined {
  if (findings === undefined || place === undefined) return undefined;
  return { memory: place.controlGroups !== undefined, processes: findings.processes <= options.pids };
}

function limitsOf({ memoryBytes, pids }: BubblewrapProfile, enforced: Enforced): Limits {
  return {
    ...(enforced.memory ? { memoryBytes } : {}),
    ...(enforced.processes ? { processes: pids } : {}),
  };
}

function notesOn(resources: BubblewrapProfile, limits: Limits): string[] {
  const { memoryBytes, workspaceBytes, cpus, maxTimeoutMs } = resources;
  const memory = Math.round(memoryBytes / MEBIBYTE);
  const workspace = Math.round(workspaceBytes / MEBIBYTE);
  const isGrouped = limits.memoryBytes !== undefined;
  return [
    NO_NETWORK_NOTE,
    'Python runs in namespaces of its own for each session, as an ordinary user without privileges; only /workspace and /tmp can be written to.',
    isGrouped
      ? `Memory is limited to ${memory} MiB, files in /workspace (at most ${workspace} MiB) included.`
      : `Memory is limited to ${memory} MiB for each process, not for all together; /workspace holds at most ${workspace} MiB.`,
    limits.processes === undefined
      ? 'The number of processes is not limited.'
      : `At most ${limits.processes} processes and threads run at once.`,
    isGrouped ? `They share ${cpus} processor core(s).` : 'Processor time is not limited.',
    ...(maxTimeoutMs === undefined ? [] : [`No call runs longer than ${maxTimeoutMs / 1000} s.`]),
  ];
}

function stateOf(
  profile: BubblewrapProfile,
  problem: string | undefined,
  limits: Limits | undefined,
): SandboxProfileState {
  const { memoryBytes, workspaceBytes, pids, cpus, maxTimeoutMs } = profile;
  const reason = problem ?? profile.problem;
  return {
    available: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    memoryBytes,
    workspaceBytes,
    processes: pids,
    cpus,
    ...(maxTimeoutMs === undefined ? {} : { maxTimeoutMs }),
    notes: reason === undefined && limits !== undefined ? notesOn(profile, limits) : [],
    packages: USUAL_PACKAGES,
  };
}
