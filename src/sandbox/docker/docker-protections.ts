import {
  NO_NETWORK_NOTE,
  type SandboxOccupancy,
  type SandboxProfileState,
  type SandboxProtections,
  type SandboxWalls,
  USUAL_PACKAGES,
} from '../sandbox.js';
import type { SandboxProfile } from './docker-sandbox-options.js';
import type { EngineFacts } from './engine-probe.js';

const MEBIBYTE = 2 ** 20;

/** What is known about one profile. */
export interface ProfileKnowledge {
  readonly profile: SandboxProfile;
  /** Why no sandbox of it can be made. */
  readonly problem: string | undefined;
  /** Absent until one was booted. */
  readonly walls: SandboxWalls | undefined;
}

export function unavailable(reason: string): SandboxProtections {
  return { provider: 'docker', available: false, reason, network: 'not_applicable', notes: [] };
}

/** Pure. The first profile is the default one: what holds there is told to the model. */
export function dockerProtections(
  facts: EngineFacts,
  known: ReadonlyMap<string, ProfileKnowledge>,
  occupancy: SandboxOccupancy,
): SandboxProtections {
  const [first] = known.values();
  if (first === undefined) return unavailable('There is no sandbox profile.');
  const { profile, problem, walls } = first;
  const shared = {
    engine: {
      cgroup: facts.cgroup,
      runtime: profile.runtime ?? facts.defaultRuntime,
      rootless: facts.rootless,
      userNamespaces: facts.userNamespaces,
    },
    profiles: Object.fromEntries([...known].map(([name, each]) => [name, stateOf(facts, each)])),
    occupancy,
  };
  if (problem !== undefined) return { ...unavailable(problem), ...shared };
  return {
    provider: 'docker',
    available: true,
    network: 'none',
    workspaceBytes: profile.workspaceBytes,
    ...limitsOf(facts, first),
    ...(profile.runtime === undefined ? {} : { runtime: profile.runtime }),
    notes: notesOn(facts, first),
    ...shared,
    ...(walls === undefined ? {} : { walls }),
  };
}

/** As a sandbox itself sees them, once there was one; as the engine says until then. */
function limitsOf(
  facts: EngineFacts,
  { profile, walls }: ProfileKnowledge,
): { readonly memoryBytes?: number; readonly processes?: number } {
  const memory = walls === undefined ? facts.limitsMemory : walls.memoryBytes !== undefined;
  const processes = walls === undefined ? facts.limitsProcesses : walls.processes !== undefined;
  return {
    ...(memory ? { memoryBytes: profile.memoryBytes } : {}),
    ...(processes ? { processes: profile.pids } : {}),
  };
}

function notesOn(facts: EngineFacts, known: ProfileKnowledge): string[] {
  const { profile, walls } = known;
  const { memoryBytes, processes } = limitsOf(facts, known);
  const filtered = walls === undefined ? facts.seccomp : walls.systemCallFilters > 0;
  const workspace = Math.round(profile.workspaceBytes / MEBIBYTE);
  return [
    NO_NETWORK_NOTE,
    `Python runs in a container of its own for each session, as an ordinary user without privileges; only /workspace and /tmp can be written to.`,
    memoryBytes === undefined
      ? `This engine cannot limit memory; /workspace holds at most ${workspace} MiB.`
      : `Memory is limited to ${Math.round(memoryBytes / MEBIBYTE)} MiB, files in /workspace (at most ${workspace} MiB) included.`,
    processes === undefined
      ? 'This engine cannot limit processes.'
      : `At most ${processes} processes and threads run at once, on ${profile.cpus} processor core(s).`,
    ...(profile.gpus === undefined
      ? []
      : [`Graphics processors can be used: ${describeGpus(profile.gpus)}.`]),
    ...(profile.maxTimeoutMs === undefined
      ? []
      : [`No call runs longer than ${profile.maxTimeoutMs / 1000} s.`]),
    // Another runtime's own kernel stands where the filter would.
    ...(filtered || profile.runtime !== undefined ? [] : ['This engine does not filter system calls.']),
  ];
}

function describeGpus(gpus: NonNullable<SandboxProfile['gpus']>): string {
  if (gpus === 'all') return "all of the engine's";
  return typeof gpus === 'number' ? String(gpus) : gpus.join(', ');
}

/** Undefined for an image of somebody else's. */
function packagesIn(image: string): readonly string[] | undefined {
  if (image.startsWith('gantry-sandbox:')) return USUAL_PACKAGES;
  return image.startsWith('gantry-sandbox-slim:') ? [] : undefined;
}

function stateOf(facts: EngineFacts, known: ProfileKnowledge): SandboxProfileState {
  const { profile, problem } = known;
  const packages = packagesIn(profile.image);
  const { memoryBytes, workspaceBytes, pids, cpus, runtime, gpus, maxTimeoutMs } = profile;
  return {
    available: problem === undefined,
    ...(problem === undefined ? {} : { reason: problem }),
    memoryBytes,
    workspaceBytes,
    processes: pids,
    cpus,
    ...(runtime === undefined ? {} : { runtime }),
    ...(gpus === undefined ? {} : { gpus }),
    ...(maxTimeoutMs === undefined ? {} : { maxTimeoutMs }),
    notes: problem === undefined ? notesOn(facts, known) : [],
    ...(packages === undefined ? {} : { packages }),
  };
}
