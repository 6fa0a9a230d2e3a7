import type Docker from 'dockerode';
import type { ContainerInfo } from 'dockerode';
import { inTime } from './in-time.js';
import type { ProcessPlace } from './process-place.js';

const OWNER_LABEL = 'gantry.owner';
const PROCESS_LABEL = 'gantry.process';
const PLACE_LABEL = 'gantry.place';
const PID_LABEL = 'gantry.pid';
const LIST_TIMEOUT_MS = 15_000;

/** Several processes may share a data directory, and several data directories an engine. */
export function ownerLabels(instanceId: string, maker: ProcessPlace): Record<string, string> {
  return {
    [OWNER_LABEL]: instanceId,
    [PROCESS_LABEL]: maker.id,
    [PLACE_LABEL]: maker.place,
    [PID_LABEL]: String(maker.pid),
  };
}

export interface Sweep {
  readonly docker: Docker;
  readonly instanceId: string;
  /** Where the sweeper runs. */
  readonly place: string;
  /** Of a maker of that place: whether it may still use its containers. */
  isAlive(maker: Pick<ProcessPlace, 'id' | 'pid'>): boolean;
  /** Ids of containers that somebody has, or may take over, whoever made them. */
  readonly kept: ReadonlySet<string>;
  /** Longer than any engine takes from a container's creation to its start. */
  settle(): Promise<unknown>;
}

/**
 * `orphan`: its maker is gone for certain. `doubtful`: its maker cannot be looked for, but it stands
 * still. A running one whose maker cannot be looked for leaves by itself once that is gone.
 */
function fateOf({ Id, Labels, State }: ContainerInfo, sweep: Sweep): 'orphan' | 'doubtful' | 'kept' {
  if (sweep.kept.has(Id)) return 'kept';
  const { [PROCESS_LABEL]: id, [PLACE_LABEL]: place, [PID_LABEL]: number } = Labels;
  const pid = Number(number);
  if (place === sweep.place && id !== undefined && Number.isInteger(pid)) {
    return sweep.isAlive({ id, pid }) ? 'kept' : 'orphan';
  }
  return ['created', 'exited', 'dead'].includes(State) ? 'doubtful' : 'kept';
}

/**
 * Removes the containers that earlier makers of this instance left; says how many there were. What still
 * stands after `settle` was left: a sibling's container is started within moments of its creation.
 */
export async function sweepContainers(sweep: Sweep): Promise<number> {
  const found = await listOwn(sweep);
  const orphans = found.filter((each) => fateOf(each, sweep) === 'orphan').map(({ Id }) => Id);
  await removeAll(sweep.docker, orphans);
  const doubtful = found.filter((each) => fateOf(each, sweep) === 'doubtful');
  if (doubtful.length === 0) return orphans.length;
  await sweep.settle();
  const before = new Set(doubtful.map(({ Id }) => Id));
  const left = (await listOwn(sweep))
    .filter((each) => before.has(each.Id) && fateOf(each, sweep) === 'doubtful')
    .map(({ Id }) => Id);
  await removeAll(sweep.docker, left);
  return orphans.length + left.length;
}

/** Everything that one maker made and that is not kept, whatever its state; for its end. */
export async function removeContainersOf(
  docker: Docker,
  maker: ProcessPlace,
  kept: ReadonlySet<string>,
): Promise<void> {
  const filters = { label: [`${PROCESS_LABEL}=${maker.id}`] };
  const found = await inTime(docker.listContainers({ all: true, filters }), LIST_TIMEOUT_MS);
  await removeAll(
    docker,
    found.map(({ Id }) => Id).filter((id) => !kept.has(id)),
  );
}

/** The ids of all containers of this instance, whoever made them. */
export async function ownContainerIds(
  sweep: Pick<Sweep, 'docker' | 'instanceId'>,
): Promise<ReadonlySet<string>> {
  return new Set((await listOwn(sweep)).map(({ Id }) => Id));
}

function listOwn({ docker, instanceId }: Pick<Sweep, 'docker' | 'instanceId'>): Promise<ContainerInfo[]> {
  const filters = { label: ['gantry=1', `${OWNER_LABEL}=${instanceId}`] };
  return inTime(docker.listContainers({ all: true, filters }), LIST_TIMEOUT_MS);
}

/** One that leaves by itself meanwhile is no failure. */
async function removeAll(docker: Docker, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map((id) =>
      inTime(docker.getContainer(id).remove({ force: true }), LIST_TIMEOUT_MS).catch(() => undefined),
    ),
  );
}
