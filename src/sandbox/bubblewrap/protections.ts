import type { SandboxProtections } from '../sandbox.js';
import type { BubblewrapSandboxOptions } from './bubblewrap-sandbox-options.js';
import type { Findings } from './probe-program.js';
import type { SandboxPlace } from './sandbox-place.js';

const MEBIBYTE = 2 ** 20;
/** The kernel inside, its interpreter and the probe's own. */
const MOST_PROCESSES_VISIBLE = 4;
/** A page more or less is how the kernel counts. */
const PAGE_BYTES = 65_536;

export function unavailable(reason: string): SandboxProtections {
  return { provider: 'bubblewrap', available: false, reason, network: 'not_applicable', notes: [] };
}

/** Each wall that must stand and does not, in a few words. */
export function gapsIn(findings: Findings, options: BubblewrapSandboxOptions): readonly string[] {
  const gaps: readonly (readonly [boolean, string])[] = [
    [findings.userId === 0, 'code runs as root'],
    [findings.capabilities.some((set) => /[^0]/.test(set)), 'capabilities are left'],
    [!findings.noNewPrivileges, 'programs can gain privileges'],
    [!findings.filtered, 'system calls are not filtered'],
    [findings.interfaces.some((name) => name !== 'lo'), 'there is a network'],
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

/** What holds, from what a probe found inside and what control groups enforce from outside. */
export function protectionsOf(
  findings: Findings,
  place: SandboxPlace,
  options: BubblewrapSandboxOptions,
): SandboxProtections {
  const gaps = gapsIn(findings, options);
  if (gaps.length > 0) {
    return unavailable(`bubblewrap does not hold on this machine: ${gaps.join('; ')}.`);
  }
  const grouped = place.controlGroups !== undefined;
  const processesHeld = findings.processes <= options.pids;
  const memory = Math.round(options.memoryBytes / MEBIBYTE);
  const workspace = Math.round(options.workspaceBytes / MEBIBYTE);
  return {
    provider: 'bubblewrap',
    available: true,
    network: 'none',
    workspaceBytes: options.workspaceBytes,
    ...(grouped ? { memoryBytes: options.memoryBytes } : {}),
    ...(processesHeld ? { processes: options.pids } : {}),
    notes: [
      'There is no network: nothing can be downloaded or installed.',
      'Python runs in namespaces of its own for each session, as an ordinary user without privileges; only /workspace and /tmp can be written to.',
      grouped
        ? `Memory is limited to ${memory} MiB, files in /workspace (at most ${workspace} MiB) included.`
        : `Memory is limited to ${memory} MiB for each process, not for all together; /workspace holds ${workspace} MiB.`,
      processesHeld
        ? `At most ${options.pids} processes and threads run at once.`
        : 'The number of processes is not limited.',
      grouped ? `They share ${options.cpus} processor core(s).` : 'Processor time is not limited.',
    ],
  };
}
