import type Docker from 'dockerode';

/** Which process made a container: several share a data directory and an engine. */
export const PROCESS_LABEL = 'gantry.process';

/** Containers of this data directory that stand still. A running one leaves by itself once its process is gone. */
async function findStanding(docker: Docker, instanceId: string): Promise<string[]> {
  const found = await docker.listContainers({
    all: true,
    filters: { label: ['gantry=1', `gantry.owner=${instanceId}`], status: ['created', 'exited', 'dead'] },
  });
  return found.map(({ Id }) => Id);
}

/**
 * Removes the containers that earlier processes of this instance left; says how many there were. What still stands
 * after `settle` was left: a sibling's container is started within moments of its creation.
 */
export async function sweepContainers(
  docker: Docker,
  instanceId: string,
  settle: () => Promise<unknown>,
): Promise<number> {
  const before = new Set(await findStanding(docker, instanceId));
  if (before.size === 0) return 0;
  await settle();
  const left = (await findStanding(docker, instanceId)).filter((id) => before.has(id));
  await removeAll(docker, left);
  return left.length;
}

/** Everything that the process made, whatever its state; for its end. */
export async function removeContainersOf(docker: Docker, process: string): Promise<void> {
  const found = await docker.listContainers({
    all: true,
    filters: { label: [`${PROCESS_LABEL}=${process}`] },
  });
  await removeAll(
    docker,
    found.map(({ Id }) => Id),
  );
}

/** One that leaves by itself meanwhile is no failure. */
async function removeAll(docker: Docker, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map((id) =>
      docker
        .getContainer(id)
        .remove({ force: true })
        .catch(() => undefined),
    ),
  );
}
